"""How glibc hands memory to the jobs of a run: what a step frees is kept for the next step, in huge pages.

By default glibc gives memory at the end of its heap back to the kernel as soon as 64 MiB of it are free. A training
step or a batch of scores frees more than that each time, and the kernel has to clear the same pages again for the next.
The results are the same bits.
"""

from __future__ import annotations

from collections.abc import MutableMapping

VARIABLE = "GLIBC_TUNABLES"  # read when a process starts; other C libraries do not know it
TUNABLES = {
    "hugetlb": 1,  # ask for transparent huge pages
    "mmap_threshold": 64 * 2**20,  # larger blocks, such as the weights of a model, still go back when they are freed
    "trim_threshold": 2**30,
}


def keep_freed_memory(environment: MutableMapping[str, str]) -> None:
    """Set the tunables of glibc's malloc in an environment for processes that it is given to. What is set stays."""
    environment.setdefault(VARIABLE, ":".join(f"glibc.malloc.{name}={value}" for name, value in TUNABLES.items()))
