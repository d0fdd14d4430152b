"""Imports that wait until they are used.

A file of an open registry (a figure, a merge method, a statistic) holds in one place what a thing is and how it is
made. Rules read the former whenever Snakemake parses them, and must not pay for the latter: pandas, matplotlib and
torch take seconds. So such a file imports them like this:

    with lazily():
        import pandas as pd
        from growmerge.figures.common import style

Readers and type checkers see plain imports. Import modules, not what they hold: a class that waits is no class yet.

`importlib.util.LazyLoader` is not used: it puts unfinished modules where all others look for them, and a package whose
submodule is imported before the package itself was used is then loaded twice.
"""

from __future__ import annotations

import builtins
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType
from typing import Any


class Waiting:
    """Stands for a module until an attribute of it is asked for."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._module: ModuleType | None = None

    def __getattr__(self, attribute: str) -> Any:
        if self._module is None:
            self._module = import_module(self._name)
        return getattr(self._module, attribute)

    def __repr__(self) -> str:
        return f"<{self._name}, imported when it is used>"


class _Package:
    """What `from package import ...` takes modules from."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, module: str) -> Waiting:
        return Waiting(f"{self._name}.{module}")


def _later(
    name: str,
    globals: Mapping[str, object] | None = None,
    locals: Mapping[str, object] | None = None,
    fromlist: Sequence[str] | None = (),
    level: int = 0,
) -> Any:
    if level or ("." in name and not fromlist):
        raise ImportError(f"{name}: within lazily(), write `import package` or `from package import module`")
    return _Package(name) if fromlist else Waiting(name)


@contextmanager
def lazily() -> Iterator[None]:
    """Within it, modules are imported when an attribute of them is first asked for."""
    at_once = builtins.__import__
    builtins.__import__ = _later
    try:
        yield
    finally:
        builtins.__import__ = at_once
