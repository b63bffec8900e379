"""A divided optimizer's state in the numbers of an ordinary one. Whole divided runs: tests/kobert_pipeline/pretrain/test_scale.py."""

from __future__ import annotations

import torch
from torch import nn

from kobert_pipeline.training.optimizer import adamw
from kobert_pipeline.training.sharding import compute, is_divided, named, names_of, numbered, whole


def stepped() -> tuple[nn.Module, torch.optim.Optimizer]:
    """Groups order parameters otherwise than the model does: matrices first, then what does not decay."""
    model = nn.Sequential(nn.Linear(3, 4), nn.LayerNorm(4), nn.Linear(4, 2))
    optimizer = adamw(model, learning_rate=1e-3)
    model(torch.rand(5, 3)).sum().backward()
    optimizer.step()
    return model, optimizer


def test_names_are_numbered_as_the_optimizer_numbers_them():
    model, optimizer = stepped()
    assert names_of(model, optimizer) == ["0.weight", "2.weight", "0.bias", "1.weight", "1.bias", "2.bias"]
    state = optimizer.state_dict()
    by_name = named(state, names_of(model, optimizer))
    assert by_name["param_groups"][0]["params"] == ["0.weight", "2.weight"]
    assert by_name["state"]["1.bias"] is state["state"][4]
    assert numbered(by_name) == state


def test_what_other_ranks_gather_stays_nothing():
    assert numbered({}) == {}


def test_a_whole_model_is_asked_as_it_is():
    model, _ = stepped()
    assert not is_divided(model)
    assert compute(model, lambda asked, number: (asked, number), 3) == (model, 3)
    assert float(whole(torch.tensor(2.0))) == 2.0
