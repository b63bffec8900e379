"""Checkpoints, random states and the machine they came from, without a model."""

from __future__ import annotations

import logging
import random

import numpy as np
import pytest
import torch

from kobert_pipeline.training.checkpoints import checkpoints, is_lowest, keep_as_best, latest_readable
from kobert_pipeline.training.environment import differences, environment
from kobert_pipeline.training.random_state import random_state, restore, seed_rank
from kobert_pipeline.training.ranks import Turns, is_first


def draw():
    return random.random(), float(np.random.rand()), float(np.random.randn()), torch.rand(3).tolist(), random.gauss()


def test_every_random_state_comes_back_from_a_file_without_unpickling(tmp_path):
    draw()
    torch.save(random_state(), tmp_path / "state")
    expected = draw()
    draw()
    restore(torch.load(tmp_path / "state", weights_only=True))
    assert draw() == expected


def test_ranks_draw_other_numbers():
    drawn = []
    for seed, rank, step in ((1, 1, 0), (1, 2, 0), (2, 1, 0), (1, 1, 9)):
        seed_rank(seed, rank, step)
        drawn.append(float(torch.rand(1)))
    assert len(set(drawn)) == 4


@pytest.fixture
def folder(tmp_path):
    for step in (10, 20, 30):
        torch.save({"step": step, "weights": torch.rand(1_000)}, tmp_path / f"step-{step:08d}.ckpt")
    return tmp_path


@pytest.mark.parametrize("damage", ["cut", "empty", "a byte"])
def test_a_damaged_checkpoint_is_named_and_the_one_before_it_taken(folder, caplog, damage):
    last = checkpoints(folder)[-1]
    content = last.read_bytes()
    middle = len(content) // 2
    last.write_bytes({
        "cut": content[:middle], "empty": b"", "a byte": content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :],
    }[damage])  # fmt: skip
    with caplog.at_level(logging.WARNING):
        path, state = latest_readable(folder)
    assert (path.name, state["step"]) == ("step-00000020.ckpt", 20)
    assert "step-00000030.ckpt cannot be read" in caplog.text


def test_where_none_can_be_read_the_run_begins_anew(folder):
    for path in checkpoints(folder):
        path.write_bytes(b"x")
    assert latest_readable(folder) is None


def test_the_best_checkpoint_outlives_the_one_it_was(folder):
    keep_as_best(checkpoints(folder)[0])
    keep_as_best(checkpoints(folder)[1])
    for path in checkpoints(folder):
        path.unlink()
    path, state = latest_readable(folder)
    assert (path.name, state["step"]) == ("best-00000020.ckpt", 20)


def test_the_best_is_the_lowest_and_measured_at_this_step():
    assert is_lowest([(0, 3.0), (10, 2.0)], 10)
    assert not is_lowest([(0, 3.0), (10, 2.0)], 11)
    assert not is_lowest([(0, 3.0), (10, 2.0), (20, 2.5)], 20)
    assert not is_lowest([(0, 3.0), (10, float("nan"))], 10)
    assert not is_lowest([], 0)


def test_a_machine_does_not_differ_from_itself():
    here = environment()
    assert differences(here, environment()) == []
    assert differences(here, here | {"threads": 99}) == [f"threads {here['threads']} -> 99"]


def test_ranks_ask_each_other_about_every_second():
    turns = Turns()
    assert all(turns.has_come(step) for step in range(5))
    turns.about_every_second(0.3)
    assert [step for step in range(10) if turns.has_come(step)] == [0, 3, 6, 9]
    turns.about_every_second(7.0)
    assert turns.has_come(1)


@pytest.mark.parametrize("name", ["RANK", "SLURM_PROCID", "LOCAL_RANK", "NODE_RANK"])
def test_the_first_process_is_known_before_anything_starts(monkeypatch, name):
    for other in ("RANK", "SLURM_PROCID", "LOCAL_RANK", "NODE_RANK"):
        monkeypatch.delenv(other, raising=False)
    assert is_first()
    monkeypatch.setenv(name, "0")
    assert is_first()
    monkeypatch.setenv(name, "3")
    assert not is_first()
