"""SpanBERT's objective: what the boundary head reads, and where a span begins and ends."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from pairs import config_of_pair, tiny_models

from kobert_pipeline.dataset.plan import PlanContext
from kobert_pipeline.dataset.store import TRAIN, Store
from kobert_pipeline.ground.errors import RecipeError
from kobert_pipeline.masking.tokens import IGNORE_INDEX
from kobert_pipeline.objectives.boundary_head import POSITIONS, BoundaryHead
from kobert_pipeline.objectives.span_boundary import BOUNDARY, OBJECTIVE, boundaries
from kobert_pipeline.pretrain.data import draw
from kobert_pipeline.pretrain.tokenizer_info import tokenizer_info


def masks(rows: int) -> st.SearchStrategy[list[list[bool]]]:
    """Rows whose first and last token, which are special, are not masked."""
    inner = st.lists(st.booleans(), min_size=7, max_size=7)
    return st.lists(inner.map(lambda row: [False, *row, False]), min_size=rows, max_size=rows)


@given(masks(3))
def test_boundaries_are_the_tokens_next_to_each_run(rows):
    masked = torch.tensor(rows)
    hidden = torch.arange(masked.numel()).view(*masked.shape, 1).float()
    left, right, place = boundaries(hidden, masked)
    expected = []
    for number, row in enumerate(rows):
        for position in range(len(row)):
            if row[position]:
                before = max(other for other in range(position) if not row[other])
                after = min(other for other in range(position, len(row)) if not row[other])
                expected.append((number * len(row) + before, number * len(row) + after, position - before - 1))
    assert list(zip(left.flatten().tolist(), right.flatten().tolist(), place.tolist(), strict=True)) == expected


def test_the_head_reads_the_two_boundaries_and_the_place_alone():
    torch.manual_seed(0)
    head, hidden = BoundaryHead(8, 6), torch.randn(1, 9, 8, requires_grad=True)
    masked = torch.zeros(1, 9, dtype=torch.bool)
    masked[0, 3:6] = True
    head(*boundaries(hidden, masked))[1, 0].backward()
    assert hidden.grad is not None
    touched = hidden.grad[0].abs().sum(dim=-1) > 0
    assert touched.nonzero().flatten().tolist() == [2, 6]
    states = torch.randn(2, 8)
    one, other = (head(states, states, torch.full((2,), place)) for place in (0, 1))
    assert not torch.allclose(one, other)
    far, further = (head(states, states, torch.full((2,), place)) for place in (POSITIONS - 1, POSITIONS + 40))
    assert torch.equal(far, further)


@pytest.mark.parametrize("architecture", ["bert", "albert"])
def test_both_predictions_use_the_same_output_embeddings(tiny, architecture):
    config, info, store = (
        config_of_pair("span_boundary", architecture),
        tokenizer_info(tiny.tokenizer),
        Store(tiny.dataset),
    )
    models = tiny_models(config, info)
    examples = OBJECTIVE.plan(store.read(store.blocks(TRAIN)[0]), PlanContext(0, 0, 0, 0, 48), config.options)
    batch = draw(OBJECTIVE, examples, np.arange(8), info, config.options, seed=0, number=0, width=48)
    terms = OBJECTIVE.loss(models, batch, torch.Generator(), config.options)
    terms[BOUNDARY].sum.backward()
    assert models.student.transformer.get_input_embeddings().weight.grad.abs().sum() > 0
    assert float(terms[BOUNDARY].count) == float(terms["mlm"].count) == float((batch["labels"] != IGNORE_INDEX).sum())
    separators = (batch["input_ids"] == info.sep_id).sum(dim=1)
    assert (separators == 1).all(), "a sequence is of one document"


def test_a_fixed_number_of_predictions_is_refused():
    with pytest.raises(RecipeError, match="fixed_predictions is not offered"):
        config_of_pair("span_boundary", "bert", max_predictions=5, fixed_predictions=True)
