"""Keeps freed memory in the process. A training step on a CPU frees and allocates the same large arrays again and
again. If the C library returns them to the system each time, a step of a mini model costs 10,000 to 50,000 page faults,
a tenth of its time.
"""

from __future__ import annotations

import ctypes
import sys

TRIM_THRESHOLD, MMAP_MAX = -1, -4
"""Parameters of glibc's `mallopt`(3): free bytes at the top of the heap above which it shrinks; number of arrays
outside the heap."""
NEVER, NONE = -1, 0


def keep_freed_memory() -> bool:
    """Makes this process keep freed memory for its next arrays. Returns False, and changes nothing, if the C library is
    not glibc. Results do not depend on it."""
    if not sys.platform.startswith("linux"):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    return mallopt is not None and bool(mallopt(MMAP_MAX, NONE) and mallopt(TRIM_THRESHOLD, NEVER))
