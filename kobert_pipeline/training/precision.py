"""In which precision a machine multiplies matrices fastest. Every stage that trains asks here."""

from __future__ import annotations

import logging
import platform
from typing import Literal

logger = logging.getLogger(__name__)

Precision = Literal["bf16", "fp16", "fp32"]

LIGHTNING: dict[str, Literal["bf16-mixed", "16-mixed", "32-true"]] = {
    "bf16": "bf16-mixed",
    "fp16": "16-mixed",
    "fp32": "32-true",
}
"""Lightning's names: weights and their updates are float32 in all three."""


def fastest() -> Precision:
    """bf16 if the device that trains here has instructions for it, otherwise fp32. Never fp16: its range is small, so that a run can
    fail in it which succeeds in the other two."""
    return "bf16" if computes_bf16() else "fp32"


def computes_bf16() -> bool:
    """Whether the device that trains here, a GPU if there is one, multiplies bfloat16 in hardware.

    Without such instructions torch still takes bfloat16, and emulates it: on a CPU this is several times slower than float32. The
    GPUs are NVIDIA's from Ampere on, and AMD's; on Apple's nothing was measured, so they do not count.
    """
    import torch

    if torch.cuda.is_available():
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return not torch.backends.mps.is_available() and _cpu_computes_bf16()


def _cpu_computes_bf16() -> bool:
    """x86 by AVX-512 BF16 or AMX; Arm where torch hands bfloat16 products to its instructions."""
    import torch

    if platform.machine() in ("aarch64", "arm64"):
        has_library = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
        return bool(has_library and torch.ops.mkldnn._is_mkldnn_bf16_supported())
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())


def warn_if_emulated(precision: str, setting: str) -> None:
    """Says so if the device that trains here only imitates the precision that `setting` names, by our name or Lightning's."""
    if precision in ("bf16", LIGHTNING["bf16"]) and not computes_bf16():
        logger.warning(
            "%s: this machine has no instructions for bf16 and emulates them, which is several times slower than fp32. Set it to auto for a new run.",
            setting,
        )
