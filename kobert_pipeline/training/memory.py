"""What the C library does with freed memory. A training step on a CPU frees and takes the same large arrays again and again:
given back to the system each time, they cost 10,000 to 50,000 page faults a step of a mini model, a tenth of its time.
"""

from __future__ import annotations

import ctypes
import sys

TRIM_THRESHOLD, MMAP_MAX = -1, -4
"""Names of glibc's `mallopt`(3): bytes free at the top of the heap from which they are given back; arrays outside the heap."""
NEVER, NONE = -1, 0


def keep_freed_memory() -> bool:
    """From now on this process keeps what it frees, for its next arrays. False where the C library is not glibc, and nothing
    is changed. No result depends on it."""
    if not sys.platform.startswith("linux"):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    return mallopt is not None and bool(mallopt(MMAP_MAX, NONE) and mallopt(TRIM_THRESHOLD, NEVER))
