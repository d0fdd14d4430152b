"""Arithmetic on large tensors block by block: what stays in a core's cache costs a fraction of what goes to memory.

Every block is computed by one thread, and what blocks give is put together in their order: the number of threads
changes no byte.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

import torch

In = TypeVar("In")
Out = TypeVar("Out")

BLOCK = 2**16  # elements; part of what MERGER_VERSION stands for, because DARE's norms are sums over blocks


class Workers:
    """Threads that share work out among them."""

    def __init__(self, pool: ThreadPoolExecutor) -> None:
        self._pool = pool

    def map(self, function: Callable[[In], Out], items: Iterable[In]) -> list[Out]:
        """`function` of each item, in the order of the items."""
        return list(self._pool.map(function, items))

    def blocks(self, size: int, function: Callable[[slice], Out]) -> list[Out]:
        """`function` of each block of `size` elements, in order."""
        return self.map(function, blocks(size))


def blocks(size: int) -> list[slice]:
    """`size` elements cut into blocks."""
    return [slice(start, min(start + BLOCK, size)) for start in range(0, size, BLOCK)]


@contextmanager
def workers() -> Iterator[Workers]:
    """As many threads as torch has; within it, torch itself uses one in each of them."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,)) as pool:
            yield Workers(pool)
    finally:
        torch.set_num_threads(threads)
