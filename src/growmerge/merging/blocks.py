"""Arithmetic on large tensors block by block: a block that fits into a core's cache needs far less memory traffic.

Every block is computed by one thread, and what blocks give is put together in their order: the number of threads
changes no byte.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

import torch

from growmerge.allocator import keep_freed_memory

In = TypeVar("In")
Out = TypeVar("Out")

BLOCK = 2**16  # elements; part of what MERGER_VERSION stands for, because DARE's norms are sums over blocks
ON_GPU = 2**24  # there it takes more elements to keep all of the processor busy


class Workers:
    """Threads that share work out among them, in blocks of so many elements."""

    def __init__(self, pool: ThreadPoolExecutor, threads: int, block: int) -> None:
        self._pool = pool
        self.threads = threads
        self._block = block

    def map(self, function: Callable[[In], Out], items: Iterable[In]) -> list[Out]:
        """`function` of each item, in the order of the items."""
        if self.threads == 1:
            return [function(item) for item in items]
        tasks = list(enumerate(items))
        waiting = iter(tasks)  # each thread takes the next one, which costs less than a task of the pool for each

        def run(_: int) -> list[tuple[int, Out]]:
            return [(i, function(item)) for i, item in waiting]

        done = [found for part in self._pool.map(run, range(min(self.threads, len(tasks)))) for found in part]
        return [result for _, result in sorted(done, key=lambda found: found[0])]

    def blocks(self, size: int, function: Callable[[slice], Out]) -> list[Out]:
        """`function` of each block of `size` elements, in order."""
        return self.map(function, self.cut(size))

    def cut(self, size: int) -> list[slice]:
        """`size` elements cut into blocks."""
        return _cut(size, self._block)

    def cut_rows(self, rows: int, width: int) -> list[slice]:
        """`rows` rows of `width` elements, cut into blocks of at least one row and up to four blocks of `cut`."""
        return _cut(rows, max(1, 4 * self._block // max(1, width)))


def _cut(size: int, block: int) -> list[slice]:
    return [slice(start, min(start + block, size)) for start in range(0, size, block)]


@contextmanager
def workers(device: str = "cpu") -> Iterator[Workers]:
    """As many threads as torch has, for tensors on `device`; within it, torch itself uses one in each of them."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    keep_freed_memory()
    try:
        with ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,)) as pool:
            yield Workers(pool, threads, BLOCK if device == "cpu" else ON_GPU)
    finally:
        torch.set_num_threads(threads)
