"""Tokens and minutes are turned into steps once: arithmetic on a few measured steps, and tiny whole runs."""

from __future__ import annotations

import logging
from types import SimpleNamespace

import pytest
import torch
from pairs import known_sizes
from tiny_training import config_of, train

from kobert_pipeline.ground.artifacts import read_manifest
from kobert_pipeline.pretrain import budget
from kobert_pipeline.pretrain import loop as loop_module
from kobert_pipeline.pretrain import module as pretrain_module
from kobert_pipeline.pretrain.budget import Measured
from kobert_pipeline.pretrain.config import PretrainConfig
from kobert_pipeline.pretrain.module import PretrainModule
from kobert_pipeline.training import checkpoints as checkpoint_module
from kobert_pipeline.training.checkpoints import checkpoints

TWO_PHASES = [{"max_length": 24, "batch_size": 8, "share": 0.8}, {"max_length": 48, "batch_size": 8, "share": 0.2}]


def test_a_budget_of_minutes_pays_for_measurements_and_checkpoints():
    """60 s, of which 12 are gone and 3 belong to the end; a step takes 0.1 s and a hundredth of a measurement's second."""
    config = config_of({"max_minutes": 1, "validation_steps": 100, "checkpoint_minutes": 1e9, "keep_best": False})
    measured = Measured(done=50, tokens=5_000, elapsed=12.0, step=0.1, evaluation=1.0, checkpoint=2.0)
    assert budget.steps_for_minutes(config, measured) == 50 + int(45 / 0.11)
    often = config.model_copy(update={"checkpoint_minutes": 1 / 30})  # two seconds of writing every two seconds
    assert budget.steps_for_minutes(often, measured) == 50 + int(22.5 / 0.11)


def test_what_is_measured_after_the_last_step_alone_is_paid_for_too():
    config = config_of({"max_minutes": 1, "validation_steps": 100, "checkpoint_minutes": 1e9, "keep_best": False})
    measured = Measured(done=50, tokens=5_000, elapsed=12.0, step=0.1, evaluation=1.0, last=11.0, checkpoint=2.0)
    assert budget.steps_for_minutes(config, measured) == 50 + int(34 / 0.11)


def test_a_later_phase_takes_as_long_as_its_batches_did_when_they_were_tried():
    """Of a step's 0.1 s the pass takes 0.08; that of the second phase takes 0.3."""
    config = config_of({"max_minutes": 10, "phases": TWO_PHASES})
    measured = Measured(50, 5_000, elapsed=5.0, step=0.1, passes=(0.08, 0.3), batches=(100.0, 200.0))
    steps = budget.steps_for_minutes(config, measured)
    assert steps == pytest.approx(600 / (0.8 * 0.1 + 0.2 * 0.32), rel=1e-2)
    assert budget.seconds_left(config, measured, steps) == pytest.approx(595, abs=0.5)


def test_a_rank_that_had_no_rows_to_try_counts_tokens():
    config = config_of({"max_minutes": 10, "phases": TWO_PHASES})
    measured = Measured(50, 5_000, elapsed=5.0, step=0.1, passes=(0.0, 0.0), batches=(100.0, 300.0))
    assert budget.steps_for_minutes(config, measured) == pytest.approx(600 / (0.1 * (0.8 + 0.2 * 3)), rel=1e-2)


def test_a_budget_of_tokens_counts_those_of_every_phase():
    config = config_of({"max_tokens": 100_000, "phases": TWO_PHASES})
    measured = Measured(50, 5_000, elapsed=5.0, step=0.1, batches=(100.0, 300.0))
    assert budget.steps_for_tokens(config, measured) == pytest.approx(714, abs=1)


def test_a_growing_batch_costs_more_than_the_measured_first_one():
    config = config_of({"max_minutes": 10, "batch_warmup": {"share": 0.5, "start": 0.25}})
    assert budget.relative(config, [100.0]) == pytest.approx((0.5 * 0.625 + 0.5) / 0.25, rel=1e-2)


def test_disk_holds_the_checkpoints_that_are_kept_and_one_being_written():
    assert budget.disk_bytes(config_of({"keep_last": 2}), 10) == 4 * 3 * 4 * 10


# --- whole runs -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def of_tokens(tiny, tmp_path_factory):
    return train(tmp_path_factory.mktemp("tokens"), tiny, max_tokens=8_000, phases=TWO_PHASES)


def test_a_run_of_tokens_ends_near_them(of_tokens):
    summary = read_manifest(of_tokens).summary
    assert summary["tokens"] == pytest.approx(8_000, rel=0.1)
    assert summary["validation"][-1]["step"] == summary["steps"]


def test_a_run_of_tokens_is_the_same_twice_and_after_a_cut(of_tokens, tiny, tmp_path, monkeypatch):
    """Cut before the turn and after it: the number of steps follows from the tokens alone, and from the checkpoint."""
    real = PretrainModule.training_step
    total = read_manifest(of_tokens).summary["steps"]
    for limit in (3, total // 2):

        def cut(self, drawn, batch_idx, limit=limit):
            if self.global_step == limit:
                raise RuntimeError("power cut")
            real(self, drawn, batch_idx)

        monkeypatch.setattr(PretrainModule, "training_step", cut)
        with pytest.raises(RuntimeError, match="power cut"):
            train(tmp_path, tiny, max_tokens=8_000, phases=TWO_PHASES, checkpoint_minutes=1e-9)
    monkeypatch.setattr(PretrainModule, "training_step", real)
    again = train(tmp_path, tiny, max_tokens=8_000, phases=TWO_PHASES)
    assert (again / "losses.csv").read_bytes() == (of_tokens / "losses.csv").read_bytes()
    assert (again / "manifest.json").read_bytes() == (of_tokens / "manifest.json").read_bytes()


@pytest.mark.system
def test_workers_that_begin_when_the_steps_are_known_give_the_same_run(of_tokens, tiny, tmp_path):
    by_workers = train(tmp_path, tiny, max_tokens=8_000, phases=TWO_PHASES, workers=2)
    assert (by_workers / "losses.csv").read_bytes() == (of_tokens / "losses.csv").read_bytes()
    assert (by_workers / "manifest.json").read_bytes() == (of_tokens / "manifest.json").read_bytes()


def test_a_run_of_tokens_may_pack_its_examples(tiny, tmp_path):
    phases = [phase | {"batch_size": 2, "row_length": 96} for phase in TWO_PHASES]
    summary = read_manifest(train(tmp_path, tiny, max_tokens=20_000, phases=phases)).summary
    assert summary["tokens"] == pytest.approx(20_000, rel=0.05)
    assert len(summary["packing"]) == 2


def test_a_run_of_tokens_counts_what_an_objective_leaves_of_its_examples(tiny_targets, tmp_path):
    """Half of a text is taken out, so that the model reads fewer tokens than the store gives."""
    settings = {
        "objective": {"name": "span_corruption", "noise_density": 0.5},
        "architecture": {"name": "t5", **known_sizes("t5")},
        "phases": [{"max_length": 48, "batch_size": 8}],
    }
    summary = read_manifest(train(tmp_path, tiny_targets, max_tokens=12_000, **settings)).summary
    assert summary["tokens"] == pytest.approx(12_000, rel=0.1)


@pytest.fixture
def clock(monkeypatch):
    """A clock that only steps and measurements move. A token of the second phase takes twice as long."""
    clock = SimpleNamespace(now=0.0)
    told = SimpleNamespace(monotonic=lambda: clock.now, perf_counter=lambda: clock.now)
    for timed in (loop_module, pretrain_module, checkpoint_module):
        monkeypatch.setattr(timed, "time", told)

    def takes(name, seconds):
        real = getattr(PretrainModule, name)

        def timed(self, given, *others):
            clock.now += seconds(given)
            return real(self, given, *others)

        monkeypatch.setattr(PretrainModule, name, timed)

    def of_tokens(batch):
        return float(batch["attention_mask"].sum()) / (400 if batch["input_ids"].shape[1] <= 24 else 200)

    takes("training_step", lambda drawn: of_tokens(drawn[0]))
    takes("_pass", of_tokens)
    takes("measure", lambda batches: sum(batch["input_ids"].numel() for batch in batches) / 1_000)
    return clock


def test_a_run_of_minutes_says_what_it_takes_and_keeps_its_steps_in_the_checkpoint(tiny, tmp_path, caplog, clock):
    caplog.set_level(logging.INFO)
    folder = train(tmp_path, tiny, max_minutes=0.5)
    said = [record.getMessage() for record in caplog.records if "left at" in record.getMessage()]
    assert len(said) == 1
    steps = read_manifest(folder).summary["steps"]
    assert said[0].startswith(f"pretrain: {steps:,} steps, about")
    state = torch.load(checkpoints(folder / "run" / "checkpoints")[-1], weights_only=True)
    assert state["kobert"]["horizon"]["total"] == state["global_step"] == steps
    assert 0 < state["kobert"]["horizon"]["fixed_at"] < steps


@pytest.mark.parametrize(
    "phases",
    [TWO_PHASES, pytest.param(TWO_PHASES[:1], marks=pytest.mark.system)],
    ids=["two phases", "one phase"],
)
def test_a_run_of_minutes_takes_them(tiny, tmp_path, clock, phases):
    whole = [phase | {"share": phase["share"] if len(phases) > 1 else 1.0} for phase in phases]
    train(tmp_path, tiny, max_minutes=2, phases=whole, validation_steps=100)
    assert clock.now == pytest.approx(120, rel=0.05)


# --- what a recipe may say ----------------------------------------------------------------------------------------------


def test_a_recipe_gives_exactly_one_budget():
    from kobert_pipeline.ground.errors import RecipeError

    values = config_of({}).model_dump()
    with pytest.raises(
        RecipeError, match="give one of max_steps, max_tokens, max_minutes; given are max_steps, max_minutes"
    ):
        PretrainConfig.parse(values | {"max_minutes": 5})
    with pytest.raises(RecipeError, match="given are none of them"):
        PretrainConfig.parse(values | {"max_steps": None})


def test_a_later_layer_replaces_the_budget_of_an_earlier_one(tmp_path):
    from kobert_pipeline.recipe import load_recipe

    def budgets(name, *settings):
        config = load_recipe(name, settings).pretrain
        return config.max_steps, config.max_tokens, config.max_minutes

    assert budgets("quickstart") == (150, None, None)
    assert budgets("quickstart", "pretrain.max_minutes=30") == (None, None, 30)
    assert budgets("quickstart", "pretrain.max_minutes=30", "pretrain.max_tokens=5000") == (None, 5_000, None)
    assert budgets("quickstart", "pretrain.max_minutes=30", "pretrain.max_steps=5") == (5, None, None)
    recipe = tmp_path / "mine.yaml"
    recipe.write_text("extends: quickstart\npretrain: {max_tokens: 1000}\n", encoding="utf-8")
    assert budgets(str(recipe)) == (None, 1_000, None)


def test_how_a_run_is_spread_is_no_part_of_what_it_is():
    spread = {
        "micro_batch_size": 2, "devices": 4, "nodes": 2, "gradient_checkpointing": True, "keep_last": 9, "keep_best": False,
        "strategy": "fsdp",
    }  # fmt: skip
    assert config_of(spread).content() == config_of({}).content()


def test_a_setting_that_is_not_given_is_no_part_of_a_fingerprint():
    """What was trained before there was such a setting is still what the recipe means."""
    assert not {"max_tokens", "max_minutes", "batch_warmup"} & set(config_of({}).content())
    assert config_of({"max_tokens": 9}).content()["max_tokens"] == 9
