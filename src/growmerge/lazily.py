"""Imports that wait until they are used.

A file of an open registry (a figure, a merge method, a statistic) holds in one place what a thing is and how it is
made. Rules read the former whenever Snakemake parses them, and must not pay for the latter: pandas, matplotlib and
torch take seconds. So such a file imports them like this:

    with lazily():
        import pandas as pd

Readers and type checkers see plain imports. `from pandas import DataFrame` needs the module at once: it works, and
loads it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from importlib.util import LazyLoader
from types import ModuleType


class _Finder(MetaPathFinder):
    """Finds modules as the path does, to be loaded at the first use of an attribute."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and isinstance(spec.loader, SourceFileLoader):
            spec.loader = LazyLoader(_AtOnce(spec.loader))
        return spec


_FINDER = _Finder()


class _AtOnce(Loader):
    """Loads a module whose own imports do not wait, even if it is used while others are still being imported."""

    def __init__(self, loader: SourceFileLoader) -> None:
        self._loader = loader

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        waiting = _FINDER in sys.meta_path
        if waiting:
            sys.meta_path.remove(_FINDER)
        try:
            # What asks a module for its loader (pickle, inspect, importlib.resources) finds the one that it really has.
            module.__loader__ = self._loader
            if module.__spec__ is not None:
                module.__spec__.loader = self._loader
            self._loader.exec_module(module)
        finally:
            if waiting:
                sys.meta_path.insert(0, _FINDER)


@contextmanager
def lazily() -> Iterator[None]:
    """Within it, modules that are imported for the first time are loaded when they are first used."""
    if _FINDER in sys.meta_path:
        yield
        return
    sys.meta_path.insert(0, _FINDER)
    try:
        yield
    finally:
        sys.meta_path.remove(_FINDER)
