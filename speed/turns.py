"""Alternatives that take turns, each in a process of its own, so that none gains by what another does to its process.

Ours has glibc keep freed memory, for good (growmerge.allocator). A bare loop that ran after it in the same process was
faster by that, a seventh with the miniature's model.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context

from growmerge.allocator import ask_for_huge_pages


def environment(ours: bool) -> dict[str, str]:
    """That of a process: the user's, and for one of ours what a job of the workflow adds to it."""
    found = dict(os.environ)
    if ours:
        ask_for_huge_pages(found)
    return found


@contextmanager
def process(ours: bool, prepare: Callable[..., object], *arguments: object) -> Iterator[Executor]:
    """A process that first calls `prepare(*arguments)`, and then takes turns with others."""
    with ProcessPoolExecutor(1, get_context("spawn"), initializer=prepare, initargs=arguments) as executor:
        before = dict(os.environ)
        os.environ.update(environment(ours))
        try:
            executor.submit(os.getpid).result()  # starts it
        finally:
            os.environ.clear()
            os.environ.update(before)
        yield executor
