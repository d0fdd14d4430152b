"""Keep freed memory in the process, so that the next large arrays do not wait for new pages (glibc's mallopt)."""

from __future__ import annotations

import ctypes
from functools import cache

# Of glibc's malloc.h. By default it gives large blocks back to the system when they are freed, and a page that is
# touched for the first time costs more than the arithmetic on it: half of DARE's time, a tenth of a small model's.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_KEPT, _MAPPED = 2**26, 2**25  # bytes: freed memory kept by a thread; what is larger goes back at once


@cache
def keep_freed_memory() -> None:
    """Make glibc's malloc keep freed blocks until the process ends. With another malloc, do nothing."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, _MAPPED)
        mallopt(_M_TRIM_THRESHOLD, _KEPT)
