"""Work in parallel, and what the user sees of it.

`map_shards` is the only place that starts work in parallel. Results come back by shard number, never by arrival, so the
number of workers changes nothing but the time.
"""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

from kobert_pipeline.config import Config, runtime

Shard = TypeVar("Shard")
Result = TypeVar("Result")

logger = logging.getLogger(__name__)


class ExecutionConfig(Config):
    """How work is spread. Nothing here changes a result."""

    workers: int = runtime(0, ge=0)
    """Processes; 0 takes one per core."""


def map_shards(function: Callable[[Shard], Result], shards: Iterable[Shard], *, workers: int = 0) -> Iterator[Result]:
    """`function(shard)` for every shard, in the order of the shards.

    `function` and the shards must be picklable; workers are spawned, never forked. At most two shards per worker wait
    at a time, so a lazy iterable of shards is read only as fast as it is worked on. One worker means this process.
    """
    count = workers or os.cpu_count() or 1
    if count == 1:
        yield from map(function, shards)
        return
    pool = ProcessPoolExecutor(count, mp_context=multiprocessing.get_context("spawn"), initializer=_prepare_worker)
    waiting: deque[Future[Result]] = deque()
    try:
        for shard in shards:
            waiting.append(pool.submit(function, shard))
            while len(waiting) >= 2 * count:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _prepare_worker() -> None:
    """Ctrl-C reaches the parent, which stops the pool; threads inside a worker would only fight for its core."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    logging.getLogger().setLevel(logging.WARNING)


# --- progress --------------------------------------------------------------------------------------------------------

PLAIN_INTERVAL = 15.0
"""Seconds between progress lines where the output is no terminal."""


@contextlib.contextmanager
def progress(label: str, total: float | None, unit: str) -> Iterator[Callable[[float], None]]:
    """A bar with rate and time left on a terminal, a log line every 15 s elsewhere. Yields `advance(amount)`."""
    if sys.stderr.isatty():
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
        )
        started = time.monotonic()
        with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task(label, total=total, rate="")

            def advance(amount: float) -> None:
                done = bar.tasks[0].completed + amount
                bar.update(task, advance=amount, rate=f"{_round(done / (time.monotonic() - started + 1e-9))} {unit}/s")

            yield advance
    else:
        yield _plain_progress(label, total, unit)


def _plain_progress(label: str, total: float | None, unit: str) -> Callable[[float], None]:
    started = last = time.monotonic()
    done = 0.0

    def advance(amount: float) -> None:
        nonlocal done, last
        done += amount
        now = time.monotonic()
        if now - last >= PLAIN_INTERVAL:
            last = now
            rate = done / (now - started)
            left = f", {(total - done) / rate:.0f} s left" if total and rate else ""
            of = f" of {_round(total)}" if total else ""
            logger.info("%s: %s%s %s, %s %s/s%s", label, _round(done), of, unit, _round(rate), unit, left)

    return advance


def _round(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


# --- what a stage cost -----------------------------------------------------------------------------------------------


@dataclass
class Meter:
    """Seconds and peak resident memory (MiB) of this process and its children, sampled four times a second."""

    seconds: float = 0.0
    peak_mib: float = 0.0

    def __enter__(self) -> Meter:
        self._started = time.monotonic()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self.seconds = time.monotonic() - self._started
        self._stop.set()
        self._thread.join()

    def _sample(self) -> None:
        import psutil

        me = psutil.Process()
        while True:
            resident = 0
            for process in [me, *me.children(recursive=True)]:
                with contextlib.suppress(psutil.Error):
                    resident += process.memory_info().rss
            self.peak_mib = max(self.peak_mib, resident / 2**20)
            if self._stop.wait(0.25):
                return
