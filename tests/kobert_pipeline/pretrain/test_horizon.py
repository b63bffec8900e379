"""How long a run is decides the rate, the phases and the batches; without a jump where the total becomes known."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny_training import config_of

from kobert_pipeline.pretrain.horizon import DRAWN_AHEAD, PROVISIONAL_WARMUP, Horizon
from kobert_pipeline.training.schedules import SCHEDULES

TWO_PHASES = [{"max_length": 32, "batch_size": 8, "share": 0.9}, {"max_length": 48, "batch_size": 8, "share": 0.1}]
MINUTES = {"max_minutes": 5.0, "phases": TWO_PHASES}


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_a_recipe_of_steps_has_the_schedule_as_it_is(schedule):
    horizon = Horizon.of(config_of({"max_steps": 1_000, "schedule": schedule, "warmup_share": 0.07}))
    assert [horizon.factor(step) for step in range(1_000)] == [
        SCHEDULES[schedule](step, 70, 1_000) for step in range(1_000)
    ]


@given(
    schedule=st.sampled_from(sorted(SCHEDULES)), warmup=st.sampled_from([0.0, 0.01, 0.1, 0.5]),
    fixed_at=st.integers(3, 60), total=st.integers(1, 50_000),
)  # fmt: skip
def test_the_rate_has_no_jump_where_the_length_is_fixed_and_rises_until_the_warmup_ends(
    schedule, warmup, fixed_at, total
):
    config = config_of(MINUTES | {"schedule": schedule, "warmup_share": warmup})
    before = Horizon.of(config)
    after = before.fixed(fixed_at, total)
    assert after.total == max(total, fixed_at + DRAWN_AHEAD)
    rates = [after.factor(step) for step in range(min(after.total, 2_000))]
    assert rates[: fixed_at + 1] == [before.factor(step) for step in range(fixed_at + 1)][: len(rates)]
    peak = rates.index(max(rates))
    assert all(later >= earlier for earlier, later in pairwise(rates[: peak + 1]))
    assert all(0 <= rate <= 1 for rate in rates)
    left = after.total - fixed_at
    steepest = max(2 / min(fixed_at, max(1, left // 2)), 0.2)
    assert all(later - earlier <= steepest for earlier, later in pairwise(rates))
    if left > 100 and schedule != "wsd":
        assert all(earlier - later <= 0.05 for earlier, later in pairwise(rates))


def test_a_run_of_any_length_comes_to_the_peak():
    for total in (300, 3_000, 300_000):
        horizon = Horizon.of(config_of(MINUTES | {"schedule": "wsd", "warmup_share": 0.05})).fixed(55, total)
        assert max(horizon.factor(step) for step in range(0, total, max(1, total // 3_000))) == 1.0


def test_before_the_turn_the_first_phase_goes_on_and_the_rate_has_a_slope_of_its_own():
    horizon = Horizon.of(config_of(MINUTES))
    assert horizon.phase_ends() == []
    assert horizon.factor(0) == 1 / (PROVISIONAL_WARMUP + 1)


def test_what_was_drawn_before_the_turn_stays_in_the_first_phase():
    assert Horizon.of(config_of(MINUTES)).fixed(55, 1_000).phase_ends() == [900, 1_000]
    assert Horizon.of(config_of(MINUTES)).fixed(55, 10).phase_ends() == [57, 57]


def test_the_batch_grows_to_its_size():
    warmup = {"batch_warmup": {"share": 0.5, "start": 0.25}}
    steps = Horizon.of(config_of({"max_steps": 100} | warmup))
    phase = steps.config.phases[0]
    assert [steps.batch_size(phase, batch) for batch in (0, 25, 50, 99)] == [2, 5, 8, 8]
    minutes = Horizon.of(config_of(MINUTES | warmup))
    turned = minutes.fixed(20, 100)
    assert minutes.batch_size(phase, 30) == 2
    assert [turned.batch_size(phase, batch) for batch in (0, 21, 50)] == [2, 2, 8]
    plain = Horizon.of(config_of({"max_steps": 100}))
    assert {plain.batch_size(phase, batch) for batch in range(100)} == {8}
