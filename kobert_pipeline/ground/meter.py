"""Time and memory that a stage takes."""

from __future__ import annotations

import contextlib
import threading
import time
from dataclasses import dataclass
from typing import Any


@dataclass
class Meter:
    """Measures seconds, and peak resident memory (MiB) of this process and its children, sampled four times per second."""

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
