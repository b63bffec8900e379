"""The labels of pairs mean what the model is asked: where they can be told, a tiny model tells them, for examples it never saw."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from kobert_pipeline.architectures import ARCHITECTURES
from kobert_pipeline.architectures.architecture import ModelSpec
from kobert_pipeline.dataset.plan import PlanContext
from kobert_pipeline.dataset.store import Block
from kobert_pipeline.objectives import OBJECTIVES
from kobert_pipeline.objectives.objective import TokenizerInfo
from kobert_pipeline.pretrain.data import draw
from kobert_pipeline.pretrain.models import Models
from kobert_pipeline.pretrain.sums import total_loss

FACTS = TokenizerInfo(45, 0, 1, 2, 3, 4, np.arange(5, 45))
MODEL = ModelSpec(FACTS.vocab_size, FACTS.pad_id, FACTS.cls_id, FACTS.sep_id, 24)
SENTENCES, LENGTH = 400, 4


def two_topics() -> Block:
    """Two documents, each with pieces of its own: another document is another topic."""
    rng = np.random.default_rng(0)
    size = SENTENCES * LENGTH
    return Block(
        tokens=np.concatenate([rng.integers(5, 25, size), rng.integers(25, 45, size)]).astype(np.uint16),
        annotations={},
        sentence_offsets=np.arange(0, 2 * size + 1, LENGTH),
        document_offsets=np.array([0, SENTENCES, 2 * SENTENCES]),
        source=np.zeros(2, dtype=np.uint8),
        continuity=np.ones(2, dtype=bool),
        paragraph_end=np.zeros(2 * SENTENCES, dtype=bool),
    )


def one_direction() -> Block:
    """Documents whose first half has other pieces than the second: the order of two segments that meet there shows."""
    rng = np.random.default_rng(0)
    halves = [rng.integers(low, low + 20, 2 * LENGTH) for _ in range(SENTENCES) for low in (5, 25)]
    return Block(
        tokens=np.concatenate(halves).astype(np.uint16),
        annotations={},
        sentence_offsets=np.arange(0, 4 * SENTENCES * LENGTH + 1, 2 * LENGTH),
        document_offsets=np.arange(0, 2 * SENTENCES + 1, 2),
        source=np.zeros(SENTENCES, dtype=np.uint8),
        continuity=np.ones(SENTENCES, dtype=bool),
        paragraph_end=np.zeros(2 * SENTENCES, dtype=bool),
    )


@pytest.mark.parametrize(
    ("name", "block", "term"), [("mlm_nsp", two_topics(), "nsp"), ("mlm_sop", one_direction(), "sop")]
)
@pytest.mark.system
def test_a_tiny_model_learns_what_separable_pairs_are(name, block, term):
    torch.manual_seed(0)
    objective = OBJECTIVES[name]
    options = objective.options(short_probability=0.0)
    bert = ARCHITECTURES["bert"]
    sizes = bert.sizes(layers=2, hidden=32, heads=2, feed_forward=64, positions=24, dropout=0.0)
    model = Models({"student": bert.build(sizes, MODEL, objective.heads(options))})
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
    for step in range(300):
        examples = objective.plan(block, PlanContext(0, step, 0, 0, 24), options)
        chosen = np.random.default_rng(step).integers(0, len(examples), 32)
        batch = draw(objective, examples, chosen, FACTS, options, seed=0, number=step, width=24)
        optimizer.zero_grad()
        total_loss(objective.loss(model, batch, torch.Generator(), options)).backward()
        optimizer.step()
    examples = objective.plan(block, PlanContext(0, 1_000, 0, 0, 24), options)
    unseen = draw(objective, examples, np.arange(len(examples)), FACTS, options, seed=0, number=1_000, width=24)
    with torch.no_grad():
        accuracy = objective.loss(model, unseen, torch.Generator(), options)[f"{term}_accuracy"]
    assert float(accuracy.sum / accuracy.count) > 0.9
