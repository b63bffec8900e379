"""How fast a run is, and how fast it could be: useful tokens a second, and the share of the machine's matrix products.

Shapes: B rows of L pieces.
"""

from __future__ import annotations

import csv
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import torch
from torch import Tensor, nn

from kobert_pipeline.ground.files import write_text
from kobert_pipeline.masking.tokens import IGNORE_INDEX
from kobert_pipeline.objectives.objective import Batch

DTYPES = {"bf16": torch.bfloat16, "fp16": torch.float16, "fp32": torch.float32}
"""In which a run of a precision multiplies."""
PEAK_SECONDS = 0.05


def matmul_peak(device: torch.device, dtype: torch.dtype) -> float:
    """FLOP/s of the fastest of a few large square matrix products. Takes about PEAK_SECONDS, twice on a slow machine; leaves
    torch's random state as it was."""
    size = 8_192 if device.type == "cuda" else 1_024
    generator = torch.Generator(device).manual_seed(0)
    left, right = (torch.randn(size, size, device=device, generator=generator).to(dtype) for _ in range(2))
    best, begun = math.inf, time.perf_counter()
    _product(left, right)
    while best == math.inf or time.perf_counter() - begun < PEAK_SECONDS:
        best = min(best, _product(left, right))
    return 2 * size**3 / best


def _product(left: Tensor, right: Tensor) -> float:
    """Seconds of one."""
    _wait(left.device)
    started = time.perf_counter()
    torch.mm(left, right)
    _wait(left.device)
    return time.perf_counter() - started


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


@dataclass(frozen=True)
class Cost:
    """What a piece costs a model, forward and backward.

    FLOPs = 6 N for each useful piece + 12 L H T for its attention (Chowdhery et al. 2022, appendix B). N counts the weights
    that a piece is multiplied with: the encoder's matrices for every useful piece, the head's for masked ones alone, and no
    embeddings, which are looked up. T is the length of the piece's own row without padding, or a local layer's window where
    that is shorter. Padding counts nothing: a run that pads has a lower MFU.
    """

    encoder: int
    """Weights."""
    head: int
    """Weights."""
    hidden: int
    """H."""
    windows: tuple[float, ...]
    """Of each layer, in pieces; inf where a layer sees everything."""

    @classmethod
    def of(cls, model: nn.Module) -> Self:
        """Of a module of `kobert_pipeline.architectures`, whose `transformer` is a model of transformers. Of any other, every
        matrix counts for every piece, and its attention, of which nothing is known, not at all."""
        matrices = {name: part.weight.numel() for name, part in model.named_modules() if isinstance(part, nn.Linear)}
        encoder = sum(size for name, size in matrices.items() if ".layer." in name or ".layers." in name)
        of_rows = sum(size for name, size in matrices.items() if "pooler" in name or "seq_relationship" in name)
        config: Any = getattr(getattr(model, "transformer", None), "config", None)
        if config is None:
            return cls(sum(matrices.values()), 0, 0, ())
        kinds = getattr(config, "layer_types", None) or ["full_attention"] * config.num_hidden_layers
        windows = tuple(math.inf if kind == "full_attention" else config.local_attention for kind in kinds)
        return cls(encoder, sum(matrices.values()) - encoder - of_rows, config.hidden_size, windows)

    def flops(self, batch: Batch) -> Tensor:
        """Of one step over `batch`, as a number on its device."""
        lengths = batch["attention_mask"].sum(dim=1).double()
        attended = sum(((lengths * lengths.clamp(max=window)).sum() for window in self.windows), lengths.new_zeros(()))
        labels = batch.get("labels", batch.get("masked_labels"))
        masked = (labels != IGNORE_INDEX).sum() if labels is not None else 0
        return 6 * (self.encoder * lengths.sum() + self.head * masked) + 12 * self.hidden * attended


class Throughput:
    """Adds up steps until it is read. Sums stay on the device: reading is the only wait for it."""

    def __init__(self, cost: Cost, peak: float) -> None:
        self.cost, self.peak = cost, peak
        self.restart()

    def restart(self) -> None:
        """Forgets what was added: after something that was no training."""
        self._begun = self._left = time.perf_counter()
        self._waited = 0.0
        self._sums: Tensor | None = None

    def begin(self) -> None:
        """A batch is there."""
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
        """Figures since the last reading: `tokens_per_second` and `useful_share` (of all positions) count what is no
        padding, `mfu` is the share of the measured peak, `waiting_share` the part of the time between steps, for the loader
        and for checkpoints. `over_devices` adds up what several devices did at the same steps."""
        assert self._sums is not None
        useful, positions, flops = (over_devices(self._sums) if over_devices else self._sums).tolist()
        seconds = time.perf_counter() - self._begun
        figures = {
            "tokens_per_second": useful / seconds,
            "useful_share": useful / positions,
            "mfu": flops / seconds / (self.peak * devices),
            "waiting_share": self._waited / seconds,
        }
        self.restart()
        return figures


class SpeedLog:
    """`speed.csv`: the figures by step, as the run goes on. A run that resumes drops what came behind its checkpoint."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def resume(self, step: int) -> None:
        """Keeps the rows up to `step`."""
        if self.path.is_file():
            head, *rows = self.path.read_text(encoding="utf-8").splitlines()
            kept = [row for row in rows if int(row.partition(",")[0]) <= step]
            write_text(self.path, "\n".join([head, *kept]) + "\n")

    def add(self, step: int, figures: Mapping[str, float]) -> None:
        is_new = not self.path.is_file()
        with self.path.open("a", encoding="utf-8", newline="") as stream:
            writer = csv.DictWriter(stream, fieldnames=["step", *figures], lineterminator="\n")
            if is_new:
                writer.writeheader()
            writer.writerow({"step": step} | dict(figures))
