import math
import os
import pickle
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from kobert_pipeline.ground.errors import KobertError
from kobert_pipeline.ground.parallel import ExecutionConfig, map_shards


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
def test_work_that_cannot_be_pickled_is_an_error_and_not_a_wait(function, shards):
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


def test_a_worker_that_dies_is_one_message():
    with pytest.raises(KobertError, match="A worker process died") as error:
        list(map_shards(os._exit, [3, 3], ExecutionConfig(workers=2)))
    assert error.value.__cause__ is None


SLEEPING = (
    "import time; from kobert_pipeline.ground.parallel import ExecutionConfig, map_shards\n"
    "if __name__ == '__main__': print('starts', flush=True); list(map_shards(time.sleep, [90, 90], ExecutionConfig(workers=2)))"
)


def sleeping(**options: Any) -> subprocess.Popen[str]:
    """A process with two workers, as soon as it starts them."""
    command = [sys.executable, "-c", SLEEPING]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)
    assert process.stdout is not None
    process.stdout.readline()
    return process


def workers_of(process: subprocess.Popen[str]) -> list[psutil.Process]:
    """Waits until both are there."""
    deadline, workers = time.monotonic() + 30, []
    while len(workers) < 2 and time.monotonic() < deadline:
        time.sleep(0.1)
        children = psutil.Process(process.pid).children()
        workers = [child for child in children if "spawn_main" in " ".join(child.cmdline())]
    return workers


@pytest.mark.system
def test_workers_end_when_their_parent_is_killed():
    parent = sleeping()
    workers = workers_of(parent)
    time.sleep(1)
    parent.kill()
    parent.communicate()
    assert len(workers) == 2
    assert psutil.wait_procs(workers, timeout=10)[1] == []


@pytest.mark.system
@pytest.mark.parametrize("delay", [0.0, 0.1, 0.2, 0.3, 0.5, 0.8, 1.5])
def test_ctrl_c_in_a_terminal_reaches_workers_too_and_they_end_silently(delay):
    """A terminal sends it to the whole process group. The parent alone prints its traceback, here without `kobert`'s message."""
    parent = sleeping(start_new_session=True, preexec_fn=hear_ctrl_c)
    time.sleep(delay)
    workers = psutil.Process(parent.pid).children(recursive=True)
    os.killpg(parent.pid, signal.SIGINT)
    _, errors = parent.communicate(timeout=30)
    assert errors.count("Traceback") == 1, errors
    assert errors.rstrip().endswith("KeyboardInterrupt")
    assert psutil.wait_procs(workers, timeout=10)[1] == []


def hear_ctrl_c() -> None:
    """A shell lets what it starts in the background ignore Ctrl-C, and that is inherited."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


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


@pytest.fixture
def cluster_of_another():
    """The file in which `ray start` notes a cluster on this machine, here one that has ended."""
    with (
        tempfile.TemporaryDirectory(dir="/tmp") as folder,
        pytest.MonkeyPatch.context() as patch,
    ):  # paths of sockets must be short
        patch.setenv("RAY_TMPDIR", folder)
        (Path(folder) / "ray").mkdir()
        (Path(folder) / "ray" / "ray_current_cluster").write_text("127.0.0.1:1")
        yield


@pytest.mark.system
def test_on_ray_a_failure_in_a_worker_reaches_the_caller_whatever_cluster_runs_besides(cluster_of_another):
    with pytest.raises(ValueError, match="not defined for negative"):
        list(map_shards(math.factorial, [3, -1], RAY))


def test_without_ray_the_error_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(KobertError, match=r"pip install 'kobert-pipeline\[ray\]'"):
        list(map_shards(math.factorial, [3], RAY))
