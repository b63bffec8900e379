"""Muon's step: matrix by matrix, also where one weight holds several, as torch's own on each of them."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from kobert_pipeline.architectures import ARCHITECTURES
from kobert_pipeline.architectures.architecture import ModelSpec
from kobert_pipeline.training.muon import Muon, orthogonal
from kobert_pipeline.training.optimizer import muon

SPEC = ModelSpec(32, 0, 2, 3, 16, "eager")


def stepped(weight: Tensor, gradients: list[Tensor], make: Any, **settings: Any) -> Tensor:
    parameter = nn.Parameter(weight.clone())
    optimizer = make([parameter], lr=1e-2, weight_decay=0.1, **settings)
    for gradient in gradients:
        parameter.grad = gradient.clone()
        optimizer.step()
    return parameter.detach()


def drawn(seed: int, *shape: int) -> tuple[Tensor, list[Tensor]]:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator), [torch.randn(shape, generator=generator) for _ in range(3)]


@given(
    rows=st.integers(1, 24), more=st.integers(0, 24), seed=st.integers(0, 99), scale=st.sampled_from([1e-6, 1.0, 1e6])
)
@settings(max_examples=40)
def test_every_direction_of_an_update_is_about_as_long(rows: int, more: int, seed: int, scale: float) -> None:
    """Unless the matrix nearly lacks it: what is a thousandth of the largest has not grown to 1 after five iterations."""
    matrix = scale * drawn(seed, rows, rows + more)[0]
    before = torch.linalg.svdvals(matrix)
    after = torch.linalg.svdvals(orthogonal(matrix[None])[0])
    large = int((before > before[0] / 50).sum())
    assert after[large - 1] > 0.6
    assert after[0] < 1.3


@pytest.mark.parametrize("shape", [(12, 12), (8, 20), (20, 8)])
def test_a_matrix_is_stepped_as_by_torch(shape: tuple[int, int]) -> None:
    """torch computes in bfloat16."""
    weight, gradients = drawn(0, *shape)
    theirs = stepped(weight, gradients, torch.optim.Muon, adjust_lr_fn="match_rms_adamw")
    ours = stepped(weight, gradients, Muon)
    assert float((ours - theirs).norm() / (weight - theirs).norm()) < 0.02


@pytest.mark.parametrize(("parts", "dim"), [(3, 0), (2, 0), (3, 1)])
def test_each_matrix_of_a_weight_is_stepped_as_if_it_were_alone(parts: int, dim: int) -> None:
    weight, gradients = drawn(1, *((12, 6) if dim == 0 else (6, 12)))
    split = partial(torch.chunk, chunks=parts, dim=dim)
    parameter = nn.Parameter(weight.clone())
    optimizer = Muon([parameter], lr=1e-2, weight_decay=0.1, splits={parameter: split})
    for gradient in gradients:
        parameter.grad = gradient.clone()
        optimizer.step()
    alone = [
        stepped(one, [split(gradient)[number] for gradient in gradients], Muon)
        for number, one in enumerate(split(weight))
    ]
    assert torch.allclose(parameter.detach(), torch.cat(alone, dim), atol=1e-6)
    assert not torch.allclose(parameter.detach(), stepped(weight, gradients, Muon), atol=1e-3)


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("name", ARCHITECTURES)
def test_no_table_of_the_vocabulary_is_made_orthogonal(name: str, tied: bool) -> None:
    own = ARCHITECTURES[name]
    with torch.device("meta"):
        model = own.build(own.named_sizes["mini"], replace(SPEC, vocab_size=997, tied=tied), tuple(own.heads)[:1])
    by_muon = muon(model, learning_rate=1e-3, splits=own.fused(model)).param_groups[0]["params"]
    assert by_muon
    assert not [weight.shape for weight in by_muon if 997 in weight.shape]


SMALL = {"layers": 1, "hidden": 16, "heads": 2, "feed_forward": 24}
BATCH = {"input_ids": torch.arange(4, 16)[None], "attention_mask": torch.ones(1, 12, dtype=torch.long)}


@pytest.mark.parametrize(("name", "parts"), [("modernbert", [2, 3]), ("gpt2", [3])])
@torch.no_grad()
def test_fused_weights_come_apart_at_their_matrices(name: str, parts: list[int]) -> None:
    """Without queries the keys do not matter, without values neither of them, and without one half of a gate not the other."""
    own = ARCHITECTURES[name]
    model: Any = own.build(own.sizes(**SMALL), SPEC, tuple(own.heads)[:1])
    found = [split(weight) for weight, split in own.fused(model.eval()).items()]
    assert sorted(map(len, found)) == parts
    for views in found:
        first, second, last = views[0], views[1], views[-1]
        assert matters(model, without=last, change=first) is False
        assert matters(model, without=first, change=second) is False
        assert matters(model, without=second, change=last) is (len(views) == 3)


def matters(model: Any, *, without: Tensor, change: Tensor) -> bool:
    """Whether the hidden states change with one matrix when another is 0."""
    before = without.clone(), change.clone()
    without.zero_()
    states = model.hidden(BATCH)
    change.mul_(-2)
    differs = not torch.equal(states, model.hidden(BATCH))
    without.copy_(before[0])
    change.copy_(before[1])
    return differs
