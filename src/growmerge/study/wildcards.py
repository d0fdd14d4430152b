"""Regular expressions for Snakemake's wildcards: they match what is in the grid, and nothing else."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from math import comb

from growmerge.ids import ENSEMBLE, PLUS, RANDOM, SLASH, languages_of, split_step
from growmerge.study.grid import Grid

NOTHING = r"(?!)"  # a regular expression that no string matches


def constraints(grid: Grid) -> dict[str, str]:
    """The constraint of every wildcard that the rules share."""
    study = grid.study
    rounds = [merge.id for merge in grid.merges if merge.setup in grid.rounds]
    return {
        "package": one_of(f"{p.name}-{p.version}" for p in study.packages),
        "corpus": one_of(c.name for c in study.corpora),
        "part": one_of(name for c in study.corpora for name in c.names),
        "shard": r"\d+-of-\d+",
        "benchmark": one_of(b.name for b in study.benchmarks),
        "language": one_of([study.english.code, *study.language_codes]),
        "random_base": one_of(b.id for b in grid.bases if grid.base(b.id).from_ == RANDOM),
        "cloned_base": one_of(b.id for b in grid.bases if grid.base(b.id).clone),
        "trained_base": one_of(b.id for b in grid.bases if grid.base(b.id).train),
        "adapted": one_of(m.id for m in [*grid.models, *grid.healed] if m.id not in grid.imported),
        "imported": one_of(grid.imported.keys() - grid.imported_checkpoints.keys()),
        "imported_checkpoint": one_of(grid.imported_checkpoints),
        "model": one_of([*(m.id for m in [*grid.bases, *grid.models, *grid.healed, *grid.externals]), *rounds]),
        "ensemble": _ensembles(grid),
        "setup": one_of([*setups_merged_by_all(grid), *grid.rounds]),
        "combination": combination_of(
            study.language_codes, {merge.combination for merge in [*grid.merges, *grid.kept.values()]}
        ),
        "method": one_of(method.name for method in study.merging.methods),
    }


def setups_merged_by_all(grid: Grid) -> list[str]:
    """The setups whose merges are by every method, and scored where they are made; not those of rounds."""
    return [*grid.setups, *grid.sharing]


def one_of(values: Iterable[str]) -> str:
    """A regular expression that matches exactly these strings (and nothing at all where there are none)."""
    return "|".join(re.escape(value) for value in values) or NOTHING


def combination_of(codes: Sequence[str], combinations: Iterable[str]) -> str:
    """The same as `one_of`, for combinations of the languages `codes`, without a list of those of complete sizes.

    Snakemake copies the constraint of a wildcard into each output of each job, so a list of thousands of combinations
    takes a time that grows with the square of their number.
    """
    listed = sorted(combinations)
    finished = [combination for combination in listed if split_step(combination)[1] is None]
    counts = Counter(len(languages_of(combination)) for combination in finished)
    complete = [size for size, count in sorted(counts.items()) if 2 < count == comb(len(codes), size)]
    rest = [x for x in listed if split_step(x)[1] is not None or len(languages_of(x)) not in complete]
    patterns = [_of_sizes(codes, complete)] if complete else []
    return "|".join([*patterns, *map(re.escape, rest)]) or NOTHING


def _of_sizes(codes: Sequence[str], sizes: Sequence[int]) -> str:
    """A regular expression of all combinations of so many languages: codes of three letters in alphabetical order."""
    plus = re.escape(PLUS)
    end = rf"(?![a-z{plus}])"
    numbers = "|".join(rf"({plus}[a-z]{{3}}){{{size - 1}}}" for size in sizes)
    in_order = "".join(f"({code}({plus}|{end}))?" for code in sorted(codes))
    return rf"(?=[a-z]{{3}}({numbers}){end}){in_order}(?<!{plus})"


def _ensembles(grid: Grid) -> str:
    by_setup: dict[str, list[str]] = {}
    for ensemble in grid.ensembles:
        by_setup.setdefault(ensemble.setup, []).append(ensemble.target)
    patterns = (
        f"{re.escape(setup)}{SLASH}({combination_of(grid.study.language_codes, targets)}){SLASH}{ENSEMBLE}"
        for setup, targets in by_setup.items()
    )
    return "|".join(patterns) or NOTHING
