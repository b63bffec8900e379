"""Attention by boundaries instead of masks: the same numbers, for padded and for packed rows, and honest FLOPs."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from pairs import TINY

from kobert_pipeline.architectures import ARCHITECTURES
from kobert_pipeline.architectures.architecture import ModelSpec
from kobert_pipeline.architectures.varlen import VARLEN, attend, boundaries, flop_formulas
from kobert_pipeline.dataset.best_fit import layout
from kobert_pipeline.ground.errors import RecipeError
from kobert_pipeline.pretrain.config import PretrainConfig

LENGTHS = torch.tensor([20, 7, 13, 9, 5, 20])
ROWS = np.array([[0, 1], [2, 3], [4, 5]])
WIDTH, PACKED_WIDTH = 20, 32


def batch_of(*, packed: bool) -> dict[str, torch.Tensor]:
    mask = torch.arange(WIDTH) < LENGTHS[:, None]
    ids = torch.randint(5, 100, mask.shape, generator=torch.Generator().manual_seed(2)) * mask
    batch = {"input_ids": ids, "attention_mask": mask, "token_type_ids": torch.zeros_like(ids)}
    return batch | ({"packing": torch.from_numpy(layout(LENGTHS.numpy(), ROWS, PACKED_WIDTH, WIDTH))} if packed else {})


def hidden_states(architecture: str, attention: str, *, packed: bool) -> torch.Tensor:
    described = ARCHITECTURES[architecture]
    known = described.sizes.model_fields
    small = TINY | {"local_attention": 8}
    sizes = described.sizes.model_validate({name: value for name, value in small.items() if name in known})
    torch.manual_seed(1)
    model = described.build(sizes, ModelSpec(100, 0, 1, 2, WIDTH, attention), ("tokens",)).eval()
    batch = batch_of(packed=packed)
    return model.hidden(batch)[batch["attention_mask"]]


@pytest.mark.parametrize("packed", [False, True], ids=["padded", "packed"])
@pytest.mark.parametrize("architecture", [name for name, one in ARCHITECTURES.items() if VARLEN in one.attentions])
def test_hidden_states_are_those_of_masks(architecture, packed):
    expected = hidden_states(architecture, "eager", packed=packed)
    torch.testing.assert_close(hidden_states(architecture, VARLEN, packed=packed), expected, atol=1e-5, rtol=1e-4)


@given(st.lists(st.lists(st.integers(1, 6), min_size=1, max_size=4), min_size=1, max_size=4), st.integers(0, 3))
def test_boundaries_are_where_the_numbers_change_and_where_rows_begin(runs, spare):
    width = max(map(sum, runs))
    rows, starts, number = [], [], 0
    for place, lengths in enumerate(runs):
        padding = width - sum(lengths)
        row, begin = [], place * width
        for length in [*lengths, *([padding] if padding else [])]:
            starts.append(begin + len(row))
            is_padding = len(row) == sum(lengths)
            row += [-1 if is_padding else number] * length
            number += 1
        rows.append(row)
    found = boundaries(torch.tensor(rows), most=len(starts) + spare)
    assert found["cu_seq_lens_q"].tolist() == [*starts, *[width * len(rows)] * (1 + spare)]
    assert found["cu_seq_lens_q"].dtype == torch.int32
    assert found["max_length_q"] == width


@given(st.lists(st.integers(0, 9), min_size=1, max_size=4), st.integers(-1, 12))
def test_flops_count_the_pairs_that_see_each_other(lengths, reach):
    ends = torch.tensor([0, *np.cumsum(lengths)], dtype=torch.int32)
    pairs = sum(reach < 0 or abs(i - j) <= reach for n in lengths for i in range(n) for j in range(n))
    state = torch.empty(int(ends[-1]), 3, 8)
    forward, backward = flop_formulas().values()
    window = [reach, reach]
    assert forward(state, state, state, ends, ends, 9, 9, window_size=window) == 4 * pairs * 3 * 8
    given_back = (
        state,
        state,
        state,
        state,
        state,
        torch.empty(3, len(state)),
        ends,
        ends,
        9,
        9,
        False,
        ends,
        1.0,
        window,
    )
    assert backward(*given_back) == 8 * pairs * 3 * 8


def test_a_mask_beside_boundaries_and_dropout_are_refused():
    state = torch.zeros(1, 1, 4, 8)
    ends = boundaries(torch.zeros(1, 4), most=1)
    with pytest.raises(AssertionError, match="instead of a mask"):
        attend(None, state, state, state, torch.ones(1, 4), **ends)
    with pytest.raises(AssertionError, match="no dropout"):
        attend(None, state, state, state, None, dropout=0.1, **ends)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"architecture": {"name": "bert", "size": "mini"}}, "attention varlen does not support dropout"),
        ({"precision": "fp32"}, "attention varlen does not support precision fp32"),
    ],
)
def test_a_recipe_with_what_it_cannot_do_is_refused(changes, message):
    good = {
        "objective": {"name": "mlm"},
        "architecture": {"name": "bert", "size": "mini", "dropout": 0.0},
        "phases": [{"max_length": 64, "batch_size": 8}],
        "max_steps": 1,
        "attention": VARLEN,
    }
    PretrainConfig.parse(good)
    with pytest.raises(RecipeError, match=message):
        PretrainConfig.parse(good | changes)
