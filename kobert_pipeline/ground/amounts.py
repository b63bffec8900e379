"""Sizes and times in units that fit. Pure."""

from __future__ import annotations


def shown_bytes(count: float) -> str:
    for unit in ("bytes", "kB", "MB"):
        if count < 1000:
            return f"{count:,.0f} {unit}" if unit == "bytes" else f"{count:,.1f} {unit}"
        count /= 1000
    return f"{count:,.1f} GB"


def shown_memory(count: float) -> str:
    """Bytes in binary units: `412 MiB`, `27.4 GiB`."""
    mib = count / 2**20
    if mib < 10:
        return f"{max(mib, 0.1):.1f} MiB"
    return f"{mib:,.0f} MiB" if mib < 1000 else f"{mib / 1024:,.1f} GiB"


def shown_seconds(seconds: float) -> str:
    if seconds < 0.1:
        return "< 0.1 s"
    if seconds < 120:
        return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.1f} s"
    return f"{seconds / 60:,.0f} min" if seconds < 7200 else f"{seconds / 3600:,.1f} h"
