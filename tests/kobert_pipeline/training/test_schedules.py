from itertools import pairwise

import pytest

from kobert_pipeline.training.optimizer import decay_groups
from kobert_pipeline.training.schedules import SCHEDULES


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_schedule_rises_to_the_peak_and_falls_to_almost_nothing(name):
    values = [SCHEDULES[name](step, 100, 1_000) for step in range(1_000)]
    assert 0 < values[0] < 0.02
    assert max(values) == pytest.approx(1, abs=0.01)
    assert values[-1] < 0.05
    assert all(0 <= value <= 1 for value in values)
    assert all(later >= earlier for earlier, later in pairwise(values[:100]))
    assert all(later <= earlier + 1e-9 for earlier, later in pairwise(values[100:]))


def test_linear_equals_that_of_transformers():
    import torch
    from transformers import get_linear_schedule_with_warmup

    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    reference = get_linear_schedule_with_warmup(optimizer, 0, 50)
    for step in range(50):
        assert SCHEDULES["linear"](step, 0, 50) == pytest.approx(reference.get_last_lr()[0])
        optimizer.step()
        reference.step()


def test_wsd_is_constant_between_warmup_and_decay():
    assert {SCHEDULES["wsd"](step, 100, 1_100) for step in range(101, 800)} == {1.0}


def test_biases_and_norms_do_not_decay():
    import torch

    model = torch.nn.Sequential(torch.nn.Linear(3, 3), torch.nn.LayerNorm(3))
    decayed, plain = decay_groups(model, 0.1)
    assert [parameter.ndim for parameter in decayed["params"]] == [2]
    assert [parameter.ndim for parameter in plain["params"]] == [1, 1, 1]
    assert (decayed["weight_decay"], plain["weight_decay"]) == (0.1, 0.0)
