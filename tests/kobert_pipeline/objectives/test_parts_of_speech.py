"""Masked accuracy by part of speech."""

from __future__ import annotations

import pytest
import torch

from kobert_pipeline.dataset.morphemes import PARTS_OF_SPEECH
from kobert_pipeline.objectives.masked import token_terms
from kobert_pipeline.objectives.parts_of_speech import accuracy_terms, group_of


@pytest.mark.parametrize(
    ("tag", "group"),
    [("NNG", "noun"), ("NP", "noun"), ("VA", "verb"), ("JKS", "particle"), ("EF", "ending"), ("SN", "other"), ("UNKNOWN", "other")],
)  # fmt: skip
def test_the_first_letter_of_a_tag_names_its_group(tag, group):
    assert group_of(tag) == group


def test_each_group_counts_its_own_pieces():
    codes = torch.tensor([PARTS_OF_SPEECH.index(tag) for tag in ("NNG", "NNP", "JX", "EC", "SF")], dtype=torch.uint8)
    terms = accuracy_terms("mlm_accuracy", torch.tensor([True, False, True, False, True]), codes)
    found = {name: (float(term.sum), float(term.count)) for name, term in terms.items()}
    assert found == {
        "mlm_accuracy_noun": (1, 2),
        "mlm_accuracy_verb": (0, 0),
        "mlm_accuracy_particle": (1, 1),
        "mlm_accuracy_ending": (0, 1),
        "mlm_accuracy_other": (1, 1),
    }
    assert all(term.weight == 0 for term in terms.values())


class Parrot:
    """Its hidden states are the tokens themselves, so it predicts what it reads."""

    def logits(self, head: str, states: torch.Tensor) -> torch.Tensor:
        return states


def test_the_groups_of_a_batch_add_up_to_its_accuracy():
    shown, labels = torch.tensor([[0, 1, 2, 3]]), torch.tensor([[-100, 1, 2, 0]])
    codes = torch.tensor([[PARTS_OF_SPEECH.index(tag) for tag in ("SF", "NNG", "JKO", "NNG")]], dtype=torch.uint8)
    hidden = torch.nn.functional.one_hot(shown, 4).float()
    terms = token_terms(Parrot(), hidden, {"labels": labels, "part_of_speech": codes})
    assert (float(terms["mlm_accuracy"].sum), float(terms["mlm_accuracy"].count)) == (2, 3)
    assert (float(terms["mlm_accuracy_noun"].sum), float(terms["mlm_accuracy_noun"].count)) == (1, 2)
    assert (float(terms["mlm_accuracy_particle"].sum), float(terms["mlm_accuracy_particle"].count)) == (1, 1)
    assert set(token_terms(Parrot(), hidden, {"labels": labels})) == {"mlm", "mlm_accuracy"}
