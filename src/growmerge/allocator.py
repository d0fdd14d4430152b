"""How glibc's malloc hands out memory: what a step frees is kept for the next, in huge pages if the kernel has them.

By default glibc gives large blocks back to the kernel when they are freed, and the end of its heap as soon as that is
large. A page that is touched for the first time then costs more than the arithmetic on it: half of DARE's time, a fifth
of a small model's training. Results have the same bits. Other C libraries know none of this, and nothing happens.
"""

from __future__ import annotations

import ctypes
from collections.abc import MutableMapping
from functools import cache

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # glibc's malloc.h
KEPT, MAPPED = 2**26, 2**25  # bytes: freed memory kept by a thread; what is larger goes back at once
KEPT_IN_TRAINING = 2**30  # a step frees all of its activations
TUNABLES = "GLIBC_TUNABLES"  # read when a process starts


@cache
def keep_freed_memory(kept: int = KEPT) -> None:
    """Keep this many bytes of freed memory until the process ends, in blocks of at most `MAPPED`."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, MAPPED)
        mallopt(_M_TRIM_THRESHOLD, kept)


def ask_for_huge_pages(environment: MutableMapping[str, str]) -> None:
    """Let processes that are given this environment ask for huge pages. Tunables that the user has set stay."""
    environment.setdefault(TUNABLES, "glibc.malloc.hugetlb=1")
