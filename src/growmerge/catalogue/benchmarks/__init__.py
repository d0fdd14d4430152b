"""The registry of benchmarks: where each comes from, how its rows become items, and how it is measured.

Every module beside this one defines `BENCHMARKS`, {name: Entry}: a file added is a benchmark added. They hold plain
data, because Snakemake reads them whenever it parses the rules. docs/benchmarks.md says how to add one, and for each of
those here what of it was verified, and against what.
"""

from __future__ import annotations

import importlib
import pkgutil

from growmerge.catalogue.entry import Entry

# Part of what a built benchmark depends on: raise it whenever the same sources would give other items.
VERSION = 5


def collect() -> dict[str, Entry]:
    """The entries of all modules of this package: the modules by name, the entries of each in its order.

    Raises ValueError for a module without `BENCHMARKS`, and for a name that two modules define.
    """
    registry: dict[str, Entry] = {}
    owners: dict[str, str] = {}
    for _, module, _ in pkgutil.iter_modules(__path__):
        entries = getattr(importlib.import_module(f"{__name__}.{module}"), "BENCHMARKS", None)
        if entries is None:
            raise ValueError(f"{__name__}.{module}: define BENCHMARKS = {{name: Entry(...)}}")
        for name, entry in entries.items():
            if name in owners:
                raise ValueError(f"{__name__}.{module}: the benchmark {name!r} is defined in {owners[name]}.py, too")
            registry[name], owners[name] = entry, module
    return registry


REGISTRY = collect()
