"""validation text: accuracy by part of speech, pseudo-perplexity."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from kobert_pipeline.dataset.store import Store
from kobert_pipeline.masking.tokens import IGNORE_INDEX
from kobert_pipeline.objectives import OBJECTIVES
from kobert_pipeline.objectives.pseudo_perplexity import masked_copies, pseudo_perplexity, sample_sentences
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
    assert pseudo_perplexity(Knowing([0.5, 0.3, 0.2]), sentences, torch.device("cpu")) == pytest.approx(expected)


def test_validation_text_without_sentences_when_none_are_asked_for(tiny, info):
    config = PretrainConfig.parse(SETTINGS | {"measured_sentences": 0})
    validation = ValidationData.of(Store(tiny.dataset), OBJECTIVES["mlm"], config, info)
    assert validation.measures == []
    assert validation.batches
