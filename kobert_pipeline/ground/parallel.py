"""Work in parallel: `map_shards`, the only place that starts workers.

Results come back in the order of the shards, so the number of workers changes nothing but the time. The pool is the
standard library's with spawned processes. loky 3.7 was tried in its place: Ctrl-C in a terminal printed tracebacks of workers
that were starting, and workers outlived a parent that was killed (tests/kobert_pipeline/ground/test_parallel.py).
"""

from __future__ import annotations

import contextlib
import importlib.util
import logging
import multiprocessing
import multiprocessing.connection
import os
import pickle
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sized
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any, Literal, TypeVar

from kobert_pipeline.ground.config import Config, runtime
from kobert_pipeline.ground.errors import KobertError

Shard = TypeVar("Shard")
Result = TypeVar("Result")

logger = logging.getLogger(__name__)


class ExecutionConfig(Config):
    """Where work runs. Nothing here changes a result."""

    engine: Literal["local", "ray"] = runtime("local")
    """`local`: processes of this machine. `ray`: tasks of the Ray cluster that RAY_ADDRESS names, or of a local one; the
    artifacts folder must then be on a file system that all its nodes share. Needs `pip install kobert-pipeline[ray]`."""
    workers: int = runtime(0, ge=0)
    """How many shards are worked on at a time; 0 takes one per core."""


LOCAL = ExecutionConfig()
ALONE = ExecutionConfig(workers=1)


def map_shards(
    function: Callable[[Shard], Result], shards: Iterable[Shard], execution: ExecutionConfig = LOCAL
) -> Iterator[Result]:
    """Yields `function(shard)` for every shard, in the order of the shards.

    `function` and the shards must be picklable. At most two shards per worker wait at a time, so a lazy iterable of
    shards is read only as fast as it is worked on. On the local engine one worker means this process. Raises what the
    function raises, and KobertError for a worker that dies.
    """
    if execution.engine == "ray":
        yield from _map_on_ray(function, shards, execution.workers)
        return
    count = execution.workers or os.cpu_count() or 1
    if count == 1 or (isinstance(shards, Sized) and len(shards) <= 1):
        yield from map(function, shards)
        return
    yield from _map_on_processes(function, shards, count)


def require_engine(execution: ExecutionConfig) -> None:
    """Raises KobertError for an engine that is not installed."""
    if execution.engine == "ray" and importlib.util.find_spec("ray") is None:
        raise KobertError("`execution.engine: ray` needs Ray. Install it: pip install 'kobert-pipeline[ray]'")


def _map_on_processes(function: Callable[[Shard], Result], shards: Iterable[Shard], count: int) -> Iterator[Result]:
    """Workers are spawned, never forked. Arguments are pickled in this thread: if pickling fails, the error is raised here. In
    the pool's own thread it would leave a pool that never ends."""
    call = pickle.dumps(function)
    pool = ProcessPoolExecutor(count, mp_context=multiprocessing.get_context("spawn"), initializer=_prepare_worker)
    waiting: deque[Future[Result]] = deque()
    try:
        for shard in shards:
            with _interrupts_wait():
                waiting.append(pool.submit(_unpickled, call, pickle.dumps(shard)))
            while len(waiting) >= 2 * count:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    except BrokenProcessPool:
        raise KobertError(
            "A worker process died: the system killed it, often for lack of memory, or a library crashed. Run the same "
            "command with fewer workers (--set execution.workers=1, or kobert eval --workers 1): it goes on where it stopped. "
            "A script of your own must call the pipeline below `if __name__ == '__main__':`."
        ) from None
    except KeyboardInterrupt:
        for process in multiprocessing.active_children():
            process.terminate()  # a shard may take a minute; finished ones are on disk
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


@contextlib.contextmanager
def _interrupts_wait() -> Iterator[None]:
    """Delays Ctrl-C until the end of the block, in which workers start: a worker that is interrupted while it starts would
    print a traceback. Workers inherit the mask, so no Ctrl-C reaches them."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    received: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: received.append(number))
    mask = getattr(signal, "pthread_sigmask", None)  # not on Windows
    if mask:
        mask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        if mask:
            mask(signal.SIG_UNBLOCK, {signal.SIGINT})
        signal.signal(signal.SIGINT, before)
    if received:
        raise KeyboardInterrupt


def _map_on_ray(function: Callable[[Shard], Result], shards: Iterable[Shard], workers: int) -> Iterator[Result]:
    """A shard whose worker died runs again, up to three times. That is safe, because shards write their files atomically."""
    require_engine(ExecutionConfig(engine="ray"))
    import ray

    started_here = not ray.is_initialized()
    if started_here:
        environment = {"TOKENIZERS_PARALLELISM": "false", "OMP_NUM_THREADS": "1"}
        own = {"address": "local", "num_cpus": workers or None, "include_dashboard": False}
        cluster = {} if "RAY_ADDRESS" in os.environ else own
        ray.init(log_to_driver=False, logging_level=logging.WARNING, runtime_env={"env_vars": environment}, **cluster)
    count = workers or int(ray.cluster_resources().get("CPU", 1))
    task = ray.remote(num_cpus=1, max_retries=3)(_call)
    shared = ray.put(function)
    waiting: deque[Any] = deque()
    try:
        for shard in shards:
            waiting.append(task.remote(shared, shard))
            while len(waiting) >= 2 * count:
                yield ray.get(waiting.popleft())
        while waiting:
            yield ray.get(waiting.popleft())
    except ray.exceptions.RayTaskError as error:
        raise error.cause from None  # what the function raised, as on the local engine
    finally:
        for reference in waiting:
            ray.cancel(reference, force=True)
        if started_here:
            ray.shutdown()


def _call(function: Callable[[Shard], Result], shard: Shard) -> Result:
    return function(shard)


def _unpickled(call: bytes, shard: bytes) -> Any:
    return pickle.loads(call)(pickle.loads(shard))


def _prepare_worker() -> None:
    """Leaves Ctrl-C to the parent, which stops the pool, and libraries without threads: each worker has one core."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ |= {"TOKENIZERS_PARALLELISM": "false", "OMP_NUM_THREADS": "1"}
    logging.getLogger().setLevel(logging.WARNING)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """Ends this worker when its parent is killed; without this it would wait for its next shard forever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        multiprocessing.connection.wait([parent.sentinel])
        os._exit(1)
