"""validation text: accuracy by part of speech, pseudo-perplexity."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from kobert_pipeline.dataset.store import Store
from kobert_pipeline.masking.tokens import IGNORE_INDEX
from kobert_pipeline.morphology.auto_tokenizer import auto_tokenizer
from kobert_pipeline.morphology.byte_level import pieces_of
from kobert_pipeline.objectives import OBJECTIVES
from kobert_pipeline.objectives.pseudo_perplexity import masked_copies, pseudo_likelihood, sample_sentences
from kobert_pipeline.pretrain.config import PretrainConfig
from kobert_pipeline.pretrain.data import validation_batches
from kobert_pipeline.pretrain.evaluation import ValidationData
from kobert_pipeline.pretrain.tokenizer_info import tokenizer_info

SETTINGS = {
    "objective": {"name": "mlm"},
    "architecture": {"name": "bert", "layers": 1, "hidden": 32, "heads": 2, "feed_forward": 64, "positions": 64},
    "phases": [{"max_length": 48, "batch_size": 8}],
    "max_steps": 3,
}


@pytest.fixture(scope="module")
def info(tiny):
    return tokenizer_info(tiny.tokenizer)


def test_validation_batches_carry_parts_of_speech_where_the_store_holds_them(tiny, tagged_store, info):
    config = PretrainConfig.parse(SETTINGS)
    for store, expected in ((tagged_store, True), (Store(tiny.dataset), False)):
        batch = validation_batches(store, OBJECTIVES["mlm"], config, info)[0]
        assert ("part_of_speech" in batch) is expected
    batch = validation_batches(tagged_store, OBJECTIVES["mlm"], config, info)[0]
    assert batch["part_of_speech"].shape == batch["input_ids"].shape


def test_every_piece_is_masked_once_and_alone(info):
    pieces = np.array([200, 201, 202], dtype=np.uint16)
    batch = masked_copies(pieces, info)
    assert batch["input_ids"][1].tolist() == [info.cls_id, 200, info.mask_id, 202, info.sep_id]
    assert batch["labels"][1].tolist() == [IGNORE_INDEX, IGNORE_INDEX, 201, IGNORE_INDEX, IGNORE_INDEX]
    restored = torch.where(batch["labels"] != IGNORE_INDEX, batch["labels"], batch["input_ids"])
    assert (restored == restored[0]).all()
    assert (batch["labels"] != IGNORE_INDEX).sum() == 3


def test_the_sample_is_the_same_every_time_and_fits(tiny):
    store = Store(tiny.dataset)
    first, again = (sample_sentences(store, 3, 30) for _ in range(2))
    assert [pieces.tolist() for pieces in first] == [pieces.tolist() for pieces in again]
    assert len(first) == 3
    assert all(2 <= len(pieces) <= 30 for pieces in first)
    assert sample_sentences(store, 0, 30) == []


class Knowing:
    """Gives each token the probability of its place in a table, whatever it reads."""

    def __init__(self, probabilities: list[float]) -> None:
        self.student, self.known = self, torch.tensor(probabilities).log()

    def hidden(self, batch: dict[str, torch.Tensor]) -> torch.Tensor:
        return torch.zeros(*batch["input_ids"].shape, 1)

    def logits(self, head: str, states: torch.Tensor) -> torch.Tensor:
        return self.known.expand(len(states), -1)


def test_pseudo_perplexity_is_that_of_salazar(info):
    """exp(-(1/N) sum log P(w_t | rest)), N pieces over all sentences."""
    sentences = [masked_copies(np.array(pieces), info) for pieces in ([0, 1], [1, 1, 2])]
    expected = math.exp(-(math.log(0.5) + 3 * math.log(0.3) + math.log(0.2)) / 5)
    found, _ = pseudo_likelihood(Knowing([0.5, 0.3, 0.2]), sentences, torch.device("cpu"))
    assert found == pytest.approx(expected)


def test_bits_by_character_do_not_depend_on_how_text_is_cut(tiny, info):
    """Two models for which each character is a coin toss: one reads inner syllables, the other words of two after a space."""
    pieces = pieces_of(auto_tokenizer(tiny.tokenizer).backend_tokenizer)
    word = next(number for number, piece in enumerate(pieces) if len(piece) == 2 and piece.isalpha())
    syllable = next(number for number, piece in enumerate(pieces) if len(piece) == 3 and piece.startswith("##"))
    for token, characters in ((word, 3), (syllable, 1)):
        table = torch.full((len(pieces),), 1e-12)
        table[token], table[info.pad_id] = 0.5**characters, 1 - 0.5**characters
        sentence = masked_copies(np.array([token, token]), info)
        assert int(sentence["characters"].sum()) == 2 * characters
        _, bits = pseudo_likelihood(Knowing(table.tolist()), [sentence], torch.device("cpu"))
        assert bits == pytest.approx(1, abs=1e-4)


def test_validation_text_without_sentences_when_none_are_asked_for(tiny, info):
    config = PretrainConfig.parse(SETTINGS | {"measured_sentences": 0})
    validation = ValidationData.of(Store(tiny.dataset), OBJECTIVES["mlm"], config, info)
    assert validation.measures == []
    assert validation.batches
