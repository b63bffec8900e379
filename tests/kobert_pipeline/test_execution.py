import logging
import math
import os
import pickle
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from kobert_pipeline.ground.errors import KobertError
from kobert_pipeline.ground.meter import Meter
from kobert_pipeline.ground.parallel import ExecutionConfig, map_shards
from kobert_pipeline.ground.progress import progress


@pytest.mark.parametrize("workers", [1, 2])
def test_results_come_in_the_order_of_the_shards(workers):
    """The first shard is by far the slowest."""
    numbers = [200_000, 5, 4, 3, 2, 1, 0]
    results = list(map_shards(math.factorial, numbers, ExecutionConfig(workers=workers)))
    assert results[1:] == [120, 24, 6, 2, 1, 1]
    assert results[0].bit_length() > 3_000_000


def test_a_failure_in_a_worker_reaches_the_caller():
    with pytest.raises(ValueError, match="not defined for negative"):
        list(map_shards(math.factorial, [3, -1], ExecutionConfig(workers=2)))


@pytest.mark.parametrize(
    ("function", "shards"), [(lambda number: number, [1, 2, 3]), (math.factorial, [1, open, print, lambda: 1])]
)
def test_work_that_cannot_travel_is_an_error_and_not_a_wait(function, shards):
    with pytest.raises((pickle.PicklingError, AttributeError, TypeError)):
        list(map_shards(function, shards, ExecutionConfig(workers=2)))


def test_shards_are_read_only_as_fast_as_they_are_worked_on():
    taken = []

    def shards():
        for number in range(20):
            taken.append(number)
            yield number

    results = map_shards(math.factorial, shards(), ExecutionConfig(workers=2))
    next(results)
    assert len(taken) <= 5
    results.close()


def test_progress_without_a_terminal_is_log_lines(caplog, monkeypatch):
    monkeypatch.setattr("kobert_pipeline.ground.progress.PLAIN_INTERVAL", 0.0)
    with (
        caplog.at_level(logging.INFO, logger="kobert_pipeline.ground.progress"),
        progress("센다", 10, "shards") as advance,
    ):
        advance(4, "loss 1.5")
    assert caplog.messages[0].startswith("센다: 4 of 10 shards, ")
    assert caplog.messages[0].endswith("loss 1.5")


def test_progress_on_a_terminal_draws_a_bar_with_rate_and_time_left(monkeypatch, capsys):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "160")
    with progress("센다", 10, "shards") as advance:
        advance(4, "loss 1.5")
    shown = capsys.readouterr().err
    assert "센다" in shown
    assert "4/10" in shown
    assert "shards/s loss 1.5" in shown


def test_the_meter_measures_time_and_memory():
    with Meter() as meter:
        block = bytearray(50 * 2**20)
        block[::4096] = b"x" * len(block[::4096])
        time.sleep(0.05)
    assert meter.seconds >= 0.05
    assert meter.peak_mib > 50


@pytest.mark.system
def test_workers_end_when_their_parent_is_killed():
    program = "import time; from kobert_pipeline.ground.parallel import ExecutionConfig, map_shards\nif __name__ == '__main__': list(map_shards(time.sleep, [90, 90], ExecutionConfig(workers=2)))"
    parent = psutil.Process(subprocess.Popen([sys.executable, "-c", program]).pid)
    deadline = time.monotonic() + 30
    while (
        time.monotonic() < deadline
        and len(workers := [child for child in parent.children() if "spawn_main" in " ".join(child.cmdline())]) < 2
    ):
        time.sleep(0.1)
    time.sleep(1)
    parent.kill()
    parent.wait()
    assert len(workers) == 2
    assert psutil.wait_procs(workers, timeout=10)[1] == []


# --- Ray -------------------------------------------------------------------------------------------------------------


RAY = ExecutionConfig(engine="ray", workers=2)


def _die_once(job: tuple[Path, int]) -> int:
    """The second shard kills its worker the first time it is tried."""
    folder, number = job
    marker = folder / str(number)
    if number == 1 and not marker.exists():
        marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return number * number


@pytest.mark.system
def test_on_ray_results_come_in_order_and_a_killed_worker_is_replaced(tmp_path):
    import ray

    ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])  # a test module cannot be imported by name
    jobs = [(tmp_path, number) for number in range(8)]
    assert list(map_shards(_die_once, jobs, RAY)) == [number * number for number in range(8)]
    assert (tmp_path / "1").exists(), "a worker was killed"


@pytest.mark.system
def test_on_ray_a_failure_in_a_worker_reaches_the_caller():
    with pytest.raises(ValueError, match="not defined for negative"):
        list(map_shards(math.factorial, [3, -1], RAY))


def test_without_ray_the_error_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(KobertError, match=r"pip install 'kobert-pipeline\[ray\]'"):
        list(map_shards(math.factorial, [3], RAY))
