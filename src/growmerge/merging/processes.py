"""Work shared out among processes: torch's many short operations wait for each other in the threads of one."""

from __future__ import annotations

import ctypes
import signal
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any, TypeVar

Item = TypeVar("Item")

_PR_SET_PDEATHSIG = 1  # of Linux's prctl.h
_function: Callable[[Any], None]


def can_fork() -> bool:
    """Whether processes can begin with the memory of this one, imports and all. Elsewhere than on Linux not safely."""
    return sys.platform == "linux"


def share_out(function: Callable[[Item], None], items: Sequence[Item], processes: int) -> None:
    """Call `function` with each item, in so many forked processes; each takes the next item when it is free.

    What `function` refers to it has as it is now; the items are pickled. Raises what it raises for the first item, and
    BrokenProcessPool if a process is killed. None of them outlives this one, even if that is killed.
    """
    if not items:
        return
    with ProcessPoolExecutor(processes, get_context("fork"), _begin, (function,)) as pool:
        for _ in pool.map(_call, items):
            pass


def _begin(function: Callable[[Any], None]) -> None:
    global _function
    _function = function
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # it goes to all of them, and the one that waits ends the others


def _call(item: Any) -> None:
    _function(item)
