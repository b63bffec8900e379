"""How fast a run is, and how fast it could be: useful tokens per second, and the share of the machine's matrix products."""

from __future__ import annotations

import csv
import math
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import psutil
import torch
from torch import Tensor

from kobert_pipeline.ground.files import write_text
from kobert_pipeline.objectives.objective import Batch
from kobert_pipeline.pretrain.flops import Cost

DTYPES = {"bf16": torch.bfloat16, "fp16": torch.float16, "fp32": torch.float32}
"""The type in which a run of that precision multiplies."""
PEAK_SECONDS = {"cpu": 0.05, "cuda": 0.5}
"""By kind of device. A GPU that was idle needs a tenth of a second to reach its clock."""


def matmul_peak(device: torch.device, dtype: torch.dtype) -> float:
    """FLOP/s of the fastest of a few large square matrix products. It takes about PEAK_SECONDS, and leaves torch's random
    state as it was."""
    size = 8_192 if device.type == "cuda" else 1_024
    generator = torch.Generator(device).manual_seed(0)
    left, right = (torch.randn(size, size, device=device, generator=generator).to(dtype) for _ in range(2))
    best, began = math.inf, time.perf_counter()
    seconds = PEAK_SECONDS.get(device.type, PEAK_SECONDS["cuda"])
    _product(left, right)
    while best == math.inf or time.perf_counter() - began < seconds:
        best = min(best, _product(left, right))
    return 2 * size**3 / best


def _product(left: Tensor, right: Tensor) -> float:
    """Seconds of one product."""
    _wait(left.device)
    started = time.perf_counter()
    torch.mm(left, right)
    _wait(left.device)
    return time.perf_counter() - started


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def memory_mib(device: torch.device) -> float:
    """What the run holds: on a GPU the most that its arrays took so far, elsewhere the resident memory of this process."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**20
    return float(psutil.Process().memory_info().rss) / 2**20


class Throughput:
    """Adds up steps until it is read. Sums stay on the device: only reading waits for it."""

    def __init__(self, cost: Cost, peak: float) -> None:
        self.cost, self.peak = cost, peak
        self.restart()

    def restart(self) -> None:
        """Forgets what was added, after something that was not training."""
        self._began = self._left = time.perf_counter()
        self._waited = 0.0
        self._sums: Tensor | None = None

    def begin(self) -> None:
        """A batch has arrived."""
        self._waited += time.perf_counter() - self._left

    def end(self, batch: Batch) -> None:
        """The step over it is done."""
        mask = batch["attention_mask"]
        positions = float(batch.get("packing", mask).numel())
        sums = torch.stack(
            [mask.sum().double(), mask.new_full((), positions, dtype=torch.float64), self.cost.flops(batch)]
        )
        self._sums = sums if self._sums is None else self._sums + sums
        self._left = time.perf_counter()

    def read(self, over_devices: Callable[[Tensor], Tensor] | None = None, devices: int = 1) -> dict[str, float]:
        """Figures since the last reading. `tokens_per_second` and `useful_share` (of all positions) leave out padding, `mfu` is
        the share of the peak, `waiting_share` the share of time between steps, for the loader and for checkpoints. Steps that are
        faster than the peak show that it was measured while the machine was busy: they become the peak.
        `over_devices` adds up what several devices did in the same steps."""
        assert self._sums is not None
        useful, positions, flops = (over_devices(self._sums) if over_devices else self._sums).tolist()
        seconds = time.perf_counter() - self._began
        rate = flops / seconds / devices
        self.peak = max(self.peak, rate)
        figures = {
            "tokens_per_second": useful / seconds,
            "useful_share": useful / positions,
            "mfu": rate / self.peak,
            "waiting_share": self._waited / seconds,
        }
        self.restart()
        return figures


class SpeedLog:
    """`speed.csv`: the figures by step, as the run goes on. A run that resumes drops the rows after its checkpoint."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def resume(self, step: int) -> None:
        """Keeps the rows up to `step`. A row that was cut off, because the disk was full or the machine went down, is dropped."""
        if not self.path.is_file():
            return
        lines = [
            line for line in self.path.read_text(encoding="utf-8").splitlines(keepends=True) if line.endswith("\n")
        ]
        if not lines:
            self.path.unlink()
            return
        kept = [line for line in lines[1:] if int(line.partition(",")[0]) <= step]
        write_text(self.path, "".join([lines[0], *kept]))

    def add(self, step: int, figures: Mapping[str, float]) -> None:
        columns = self._columns()
        with self.path.open("a", encoding="utf-8", newline="") as stream:
            writer = csv.DictWriter(stream, columns or ["step", *figures], extrasaction="ignore", lineterminator="\n")
            if not columns:
                writer.writeheader()
            writer.writerow({"step": step} | dict(figures))

    def _columns(self) -> list[str]:
        """Those of the file, which an older version may have begun with fewer. Empty if there is none."""
        if not self.path.is_file():
            return []
        with self.path.open(encoding="utf-8", newline="") as stream:
            return next(csv.reader(stream), [])
