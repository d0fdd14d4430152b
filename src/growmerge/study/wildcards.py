"""Regular expressions for Snakemake's wildcards: they match what is in the grid, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterable

from growmerge.ids import RANDOM
from growmerge.study.grid import Grid


def constraints(grid: Grid) -> dict[str, str]:
    """The constraint of every wildcard that the rules share."""
    study = grid.study
    return {
        "package": one_of(f"{p.name}-{p.version}" for p in study.packages),
        "corpus": one_of(c.name for c in study.corpora),
        "part": one_of(name for c in study.corpora for name in c.names),
        "shard": r"\d+-of-\d+",
        "benchmark": one_of(b.name for b in study.benchmarks),
        "language": one_of([study.english.code, *study.language_codes]),
        "random_base": one_of(b.name for b in study.bases if b.from_ == RANDOM),
        "cloned_base": one_of(b.name for b in study.bases if b.clone),
        "trained_base": one_of(b.name for b in study.bases if b.train),
        "adapted": one_of(m.id for m in grid.models if m.id not in grid.imported),
        "imported": one_of(grid.imported.keys() - grid.imported_checkpoints.keys()),
        "imported_checkpoint": one_of(grid.imported_checkpoints),
        "model": one_of(m.id for m in [*grid.bases, *grid.models, *grid.externals]),
        "setup": one_of([*(setup.name for setup in study.setups), *grid.sharing]),
        "combination": one_of(dict.fromkeys(merge.combination for merge in grid.merges)),
        "method": one_of(method.name for method in study.merging.methods),
    }


def one_of(values: Iterable[str]) -> str:
    """A regular expression that matches exactly these strings (and nothing at all where there are none)."""
    return "|".join(re.escape(value) for value in values) or r"(?!)"
