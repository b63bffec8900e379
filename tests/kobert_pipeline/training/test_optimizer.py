"""Which parameters each optimizer steps how, and that its state comes back."""

from __future__ import annotations

from typing import get_args

import pytest
import torch
from torch import nn

from kobert_pipeline.pretrain.config import PretrainConfig
from kobert_pipeline.training.muon import Muon
from kobert_pipeline.training.optimizer import OPTIMIZERS, adafactor, muon

SETTINGS = {"learning_rate": 1e-2, "weight_decay": 0.1, "betas": (0.9, 0.98), "epsilon": 1e-6}


class Tied(nn.Module):
    """A table of 7 rows that is the output layer too, a matrix between, a norm."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.table, self.matrix, self.norm = nn.Embedding(7, 4), nn.Linear(4, 4), nn.LayerNorm(4)
        self.output = nn.Linear(4, 7)
        self.output.weight = self.table.weight

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        return self.output(self.norm(self.matrix(self.table(ids))))


def steps(model: nn.Module, optimizer: torch.optim.Optimizer, count: int = 3) -> None:
    ids = torch.arange(7)
    for _ in range(count):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(ids), ids.flip(0)).backward()
        optimizer.step()


def weights(model: nn.Module) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in model.state_dict().items()}


def test_a_recipe_may_name_every_optimizer():
    assert set(get_args(PretrainConfig.model_fields["optimizer"].annotation)) == set(OPTIMIZERS)


@pytest.mark.parametrize("make", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_every_parameter_is_stepped_once(make):
    model = Tied()
    before, optimizer = weights(model), make(model, **SETTINGS)
    named = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    assert len(named) == len({*named}) == len([*model.parameters()])
    steps(model, optimizer, 1)
    assert not any(torch.equal(before[name], value) for name, value in model.state_dict().items())


def test_muon_steps_the_matrices_of_layers_and_adamw_the_rest():
    ours, theirs = Tied(), Tied()
    steps(ours, muon(ours, **SETTINGS), 1)
    rest = [parameter for name, parameter in theirs.named_parameters() if name != "matrix.weight"]
    decays = [{"params": [p for p in rest if p.ndim == 2]}, {"params": [p for p in rest if p.ndim < 2], "weight_decay": 0.0}]  # fmt: skip
    alone = Muon([theirs.matrix.weight], lr=1e-2, weight_decay=0.1)
    plain = torch.optim.AdamW(decays, lr=1e-2, weight_decay=0.1, betas=(0.9, 0.98), eps=1e-6, fused=True)
    nn.functional.cross_entropy(theirs(torch.arange(7)), torch.arange(7).flip(0)).backward()
    alone.step()
    plain.step()
    for name, value in ours.state_dict().items():
        assert torch.equal(value, theirs.state_dict()[name]), name


def test_adafactor_steps_as_that_of_transformers_with_relative_steps():
    from transformers.optimization import Adafactor

    ours, theirs = Tied(), Tied()
    steps(ours, adafactor(ours, **SETTINGS | {"weight_decay": 0.0}), 5)
    steps(theirs, Adafactor(theirs.parameters(), lr=1e-2, scale_parameter=True, relative_step=False), 5)
    for name, value in ours.state_dict().items():
        torch.testing.assert_close(value, theirs.state_dict()[name], rtol=1e-4, atol=1e-6, msg=name)


@pytest.mark.parametrize("make", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_the_state_comes_back(make):
    whole, cut = Tied(), Tied()
    steps(whole, make(whole, **SETTINGS), 6)
    first = make(cut, **SETTINGS)
    steps(cut, first, 3)
    again = make(cut, **SETTINGS)
    again.load_state_dict(first.state_dict())
    steps(cut, again, 3)
    assert all(torch.equal(value, whole.state_dict()[name]) for name, value in cut.state_dict().items())


@pytest.mark.parametrize("make", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_a_rate_that_falls_falls_for_all(make):
    model = Tied()
    optimizer = make(model, **SETTINGS | {"weight_decay": 0.0})
    factor = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 0.0)
    before = weights(model)
    steps(model, optimizer)
    factor.step()
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


@pytest.mark.parametrize("make", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_a_step_over_broken_gradients_is_left_out(make):
    model = Tied()
    optimizer, before = make(model, **SETTINGS), weights(model)
    optimizer.found_inf = torch.ones(())
    steps(model, optimizer, 1)
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    optimizer.found_inf = torch.zeros(())
    steps(model, optimizer, 1)
    assert not torch.equal(before["matrix.weight"], model.state_dict()["matrix.weight"])
