"""What the last bits of a result depend on besides the settings. Checkpoints record it; a warning names what
differs."""

from __future__ import annotations

import platform
from pathlib import Path

CPU_INFO = Path("/proc/cpuinfo")


def environment(ranks: int = 1) -> dict[str, str | int]:
    """Returns the type of machine, library versions, threads and ranks."""
    import lightning
    import torch
    import transformers

    device = torch.cuda.get_device_name() if torch.cuda.is_available() else "CPU"
    return {
        "machine": platform.machine(), "processor": processor(), "device": device, "threads": torch.get_num_threads(),
        "ranks": ranks, "torch": str(torch.__version__), "transformers": str(transformers.__version__),
        "lightning": str(lightning.__version__),
    }  # fmt: skip


def processor() -> str:
    """Returns the processor's name, as far as the system reports it."""
    if CPU_INFO.is_file():
        for line in CPU_INFO.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor()


def differences(before: dict[str, str | int], after: dict[str, str | int]) -> list[str]:
    """Returns one entry, `name old -> new`, for each value that changed. Names that only one of them has are left out."""
    return [f"{name} {before[name]} -> {value}" for name, value in after.items() if before.get(name, value) != value]
