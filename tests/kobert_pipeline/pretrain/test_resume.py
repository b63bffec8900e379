"""A run that was ended in any way goes on to the same bits, and says what it can not promise."""

from __future__ import annotations

import csv
import logging
import os
import random
import signal

import numpy as np
import pytest
import torch
from pairs import COVER, config_of_pair, with_teacher
from safetensors.torch import load_file
from tiny_training import artifact, config_of, finished, program, signal_once_it_writes, start, train

from kobert_pipeline.ground.artifacts import read_manifest
from kobert_pipeline.ground.errors import Interrupted, Terminated
from kobert_pipeline.objectives import OBJECTIVES
from kobert_pipeline.pretrain.loop import StopOnSignal
from kobert_pipeline.pretrain.module import PretrainModule
from kobert_pipeline.pretrain.tokenizer_info import tokenizer_info
from kobert_pipeline.training import environment
from kobert_pipeline.training.checkpoints import best_checkpoint, checkpoints


@pytest.fixture(scope="module")
def whole(tiny, tmp_path_factory):
    return train(tmp_path_factory.mktemp("whole"), tiny)


@pytest.fixture
def cut(tiny, tmp_path, monkeypatch):
    """Runs into a power cut after so many steps; gives the folder of the checkpoints."""

    def run(after, **changes):
        real = PretrainModule.training_step

        def interrupted(self, drawn, batch_idx):
            if self.global_step == after:
                raise RuntimeError("power cut")
            real(self, drawn, batch_idx)

        with monkeypatch.context() as patch:
            patch.setattr(PretrainModule, "training_step", interrupted)
            with pytest.raises(RuntimeError, match="power cut"):
                train(tmp_path, tiny, **({"checkpoint_minutes": 1e-9} | changes))
        (folder,) = tmp_path.glob("pretrain/*.partial/run")
        return folder / "checkpoints"

    return run


def assert_same(one, two):
    assert (one / "manifest.json").read_bytes() == (two / "manifest.json").read_bytes()
    assert (one / "losses.csv").read_bytes() == (two / "losses.csv").read_bytes()


def test_a_truncated_checkpoint_is_passed_over_for_the_one_before(whole, cut, tiny, tmp_path, caplog):
    last = checkpoints(cut(13))[-1]
    last.write_bytes(last.read_bytes()[:5_000])
    with caplog.at_level(logging.INFO):
        again = train(tmp_path, tiny)
    assert_same(whole, again)
    assert f"{last.name} cannot be read" in caplog.text
    assert "resumes from step-00000012.ckpt" in caplog.text


@pytest.mark.system
def test_muon_goes_on_to_the_same_bits(cut, tiny, tmp_path, tmp_path_factory):
    cut(7, optimizer="muon")
    again = train(tmp_path, tiny, optimizer="muon", checkpoint_minutes=1e-9)
    assert_same(train(tmp_path_factory.mktemp("muon"), tiny, optimizer="muon"), again)


def test_so_many_checkpoints_are_kept_as_the_recipe_says_and_the_best(cut):
    folder = cut(14, keep_last=3)
    assert [path.name for path in checkpoints(folder)] == [f"step-{step:08d}.ckpt" for step in (12, 13, 14)]
    measured = torch.load(checkpoints(folder)[-1], weights_only=True)["callbacks"]
    figures = {entry["step"]: entry["mlm"] for state in measured.values() for entry in state.get("measured", [])}
    best = best_checkpoint(folder)
    assert best is not None
    assert figures[10] < figures[0]
    assert best.name == "best-00000010.ckpt"


def test_the_random_states_of_python_and_numpy_come_back(whole, cut, tiny, tmp_path, monkeypatch):
    """Nothing of ours draws from them today; an objective of tomorrow may."""
    real, drawn = PretrainModule.training_step, []

    def drawing(self, batch, batch_idx):
        drawn.append((self.global_step, random.random(), float(np.random.rand())))
        real(self, batch, batch_idx)

    monkeypatch.setattr(PretrainModule, "training_step", drawing)
    cut(7, max_steps=12)
    random.seed(99)
    np.random.seed(99)
    drawn.clear()
    train(tmp_path, tiny, max_steps=12)
    resumed = list(drawn)
    drawn.clear()
    train(tmp_path / "whole", tiny, max_steps=12)
    assert resumed == drawn[7:]


def test_another_machine_is_named_in_one_warning(cut, tiny, tmp_path, caplog, monkeypatch):
    cut(12)
    monkeypatch.setattr(environment, "processor", lambda: "another processor")
    with caplog.at_level(logging.WARNING):
        train(tmp_path, tiny)
    (said,) = (record.getMessage() for record in caplog.records if "written elsewhere" in record.getMessage())
    assert "-> another processor" in said
    assert "torch" not in said


def test_settings_that_change_the_order_of_sums_are_named_when_a_run_goes_on(cut, tiny, tmp_path, caplog):
    cut(12)
    with caplog.at_level(logging.WARNING):
        train(tmp_path, tiny, micro_batch_size=4, attention="sdpa")
    (said,) = (record.getMessage() for record in caplog.records if "written elsewhere" in record.getMessage())
    assert "attention auto -> sdpa" in said
    assert "micro_batch_size None -> 4" in said
    assert "compile" not in said


@pytest.mark.parametrize(
    ("number", "after", "error", "by"),
    [
        (signal.SIGTERM, 10, Terminated, "SIGTERM"),
        (signal.SIGTERM, 13, Terminated, "SIGTERM"),
        (signal.SIGINT, 13, Interrupted, "Ctrl-C"),
        (signal.SIGHUP, 13, Terminated, r"a closed terminal \(SIGHUP\)"),
    ],
)
def test_a_signal_writes_a_checkpoint_and_the_run_goes_on_from_it(
    whole, tiny, tmp_path, monkeypatch, number, after, error, by
):
    """At step 10 a measurement on validation text is due: it is made up for when the run goes on."""
    real = StopOnSignal.on_train_batch_end

    def told(self, trainer, module, *rest):
        if trainer.global_step == after:
            signal.raise_signal(number)
        real(self, trainer, module, *rest)

    numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    before = [signal.getsignal(kind) for kind in numbers]
    with monkeypatch.context() as patch:
        patch.setattr(StopOnSignal, "on_train_batch_end", told)
        with pytest.raises(error, match=f"stopped by {by}; step-{after:08d}.ckpt .* The same command"):
            train(tmp_path, tiny)
    assert [signal.getsignal(kind) for kind in numbers] == before
    assert_same(whole, train(tmp_path, tiny))


def test_a_run_that_nohup_started_goes_on_when_the_terminal_is_closed(whole, tiny, tmp_path, monkeypatch):
    real = StopOnSignal.on_train_batch_end

    def closed(self, trainer, module, *rest):
        if trainer.global_step == 13:
            signal.raise_signal(signal.SIGHUP)
        real(self, trainer, module, *rest)

    monkeypatch.setattr(StopOnSignal, "on_train_batch_end", closed)
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        assert_same(whole, train(tmp_path, tiny))
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_copy_that_the_user_made_does_not_block_the_run(whole, cut, tiny, tmp_path):
    folder = cut(13)
    last = checkpoints(folder)[-1]
    for name in (
        "step-00000099 (copy).ckpt",
        "step-00000099 (1).ckpt",
        "step-.ckpt",
        "best-of-all.ckpt",
        "step-1e3.ckpt",
    ):
        (folder / name).write_bytes(last.read_bytes())
    assert last == checkpoints(folder)[-1]
    assert_same(whole, train(tmp_path, tiny))


def test_sigterm_after_the_last_step_lets_the_run_finish(whole, tiny, tmp_path, monkeypatch):
    real = StopOnSignal.on_train_batch_end

    def told(self, trainer, module, *rest):
        if trainer.global_step == 30:
            signal.raise_signal(signal.SIGTERM)
        real(self, trainer, module, *rest)

    monkeypatch.setattr(StopOnSignal, "on_train_batch_end", told)
    assert_same(whole, train(tmp_path, tiny))


def test_the_live_curve_holds_each_step_once(cut, tiny, tmp_path, whole):
    cut(17, checkpoint_minutes=1e9, keep_best=False)
    again = train(tmp_path, tiny)
    for name in ("losses.csv", "run/losses.csv"):
        rows = [int(row["step"]) for row in csv.DictReader((again / name).open(encoding="utf-8"))]
        assert rows == [5, 10, 15, 20, 25, 30]
    assert_same(whole, again)


# --- killed from outside ----------------------------------------------------------------------------------------------

LONG = {"max_steps": 400, "checkpoint_minutes": 0.0005, "validation_steps": 50}
KILLS = int(os.environ.get("KOBERT_KILLS", "4"))
"""Each takes another start of the program."""
SPOTS = [0.0, 0.01, *random.Random(6).choices([0.02 * number for number in range(1, 40)], k=max(0, KILLS - 2))]
"""Seconds after a checkpoint appeared: checkpoints are written most of the time here, so a kill often falls into one."""


@pytest.mark.long
@pytest.mark.system
def test_a_killed_run_resumes_to_the_same_weights_bit_for_bit(tiny, tmp_path):
    script = program(tiny, tmp_path / "run.py", **LONG)
    finished(start(script, tmp_path / "whole"))
    for extra in SPOTS:
        process = start(script, tmp_path / "killed")
        signal_once_it_writes(process, tmp_path / "killed", extra)
        process.communicate()
    finished(start(script, tmp_path / "killed"))
    one, two = artifact(tmp_path / "whole"), artifact(tmp_path / "killed")
    weights = [load_file(folder / "model" / "model.safetensors") for folder in (one, two)]
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])
    assert_same(one, two)
    assert (two / "run" / "losses.csv").read_bytes() == (two / "losses.csv").read_bytes()


@pytest.mark.system
@pytest.mark.parametrize(("objective", "architecture"), sorted(COVER))
def test_every_objective_and_architecture_resumes_from_a_kill(tiny, tiny_bytes, tmp_path, objective, architecture):
    tiny = tiny_bytes if OBJECTIVES[objective].writes else tiny
    vocabulary = tokenizer_info(tiny.tokenizer).vocab_size
    pair = with_teacher(config_of_pair(objective, architecture), vocabulary).model_dump(mode="json")
    changes = {
        "objective": pair["objective"],
        "architecture": pair["architecture"],
        "max_steps": 60,
        "checkpoint_minutes": 1e-9,
    }
    process = start(program(tiny, tmp_path / "run.py", **changes), tmp_path / "killed")
    signal_once_it_writes(process, tmp_path / "killed", 0.1)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    one, two = (train(tmp_path / name, tiny, **changes) for name in ("whole", "killed"))
    assert_same(one, two)
    for exported in sorted(path.relative_to(one) for path in one.glob("*/model.safetensors")):
        weights = [load_file(folder / exported) for folder in (one, two)]
        assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])


@pytest.mark.system
def test_a_kill_inside_the_writing_of_a_checkpoint_leaves_the_one_before(tiny, tmp_path):
    """The file's bytes are there, its name is not."""
    changes = LONG | {"max_steps": 60}
    script = program(tiny, tmp_path / "run.py", **changes)
    killer = tmp_path / "killer.py"
    killer.write_text(
        "import os, signal\n"
        "from lightning.pytorch import Trainer\n"
        "real = Trainer.save_checkpoint\n"
        "def half(self, path, *rest, **named):\n"
        "    real(self, path, *rest, **named)\n"
        "    if self.global_step > 20:\n"
        "        with open(path, 'r+b') as stream:\n"
        "            stream.truncate(3_000)\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "Trainer.save_checkpoint = half\n" + script.read_text(encoding="utf-8"),
        encoding="utf-8",
    )
    finished(start(killer, tmp_path / "killed"), code=-signal.SIGKILL)
    assert list((tmp_path / "killed").rglob("*.tmp"))
    finished(start(script, tmp_path / "killed"))
    finished(start(script, tmp_path / "whole"))
    assert_same(artifact(tmp_path / "whole"), artifact(tmp_path / "killed"))


@pytest.mark.system
@pytest.mark.parametrize(("ranks", "workers"), [(1, 0), (1, 1), (2, 0)])
def test_sigterm_ends_the_program_with_one_line_and_a_checkpoint(tiny, tmp_path, ranks, workers):
    """A scheduler may send it to every process: one that draws batches lets the run finish its step."""
    changes = {"max_steps": 100_000, "checkpoint_minutes": 0.02, "devices": ranks, "workers": workers}
    process = start(program(tiny, tmp_path / "run.py", **changes), tmp_path / "root", ranks)
    signal_once_it_writes(process, tmp_path / "root", 0.5, signal.SIGTERM, workers_too=bool(workers))
    _, errors = process.communicate(timeout=60)
    assert process.returncode != 0
    assert "The same command goes on from there." in errors
    if ranks == 1:
        assert process.returncode == 143
        assert len([line for line in errors.splitlines() if "SIGTERM" in line]) == 1
    (folder,) = (tmp_path / "root").glob("pretrain/*.partial/run/checkpoints")
    said = next(
        word for line in errors.splitlines() if "stopped by SIGTERM" in line for word in line.split() if ".ckpt" in word
    )
    assert checkpoints(folder)[-1].name == said


def test_what_a_recipe_says_of_keeping_is_no_part_of_the_result(whole):
    assert read_manifest(whole).config == config_of({"keep_last": 7, "checkpoint_minutes": 1}).content()
