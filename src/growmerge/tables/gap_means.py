"""Means of candidates, bases and jointly trained models over languages, and over resamples of their items."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from growmerge.catalogue.entry import Normalisation
from growmerge.hashing import hash64
from growmerge.ids import combination
from growmerge.study.gap import GAP_MEASURES, Candidate
from growmerge.study.replicates import ModelsBySeed
from growmerge.tables.item_values import is_there, item_values
from growmerge.tables.listed import Cell, Listings
from growmerge.tables.statistics import FEWEST_ITEMS

NO_GAP = "the jointly trained model is not better than the base beyond chance"
UNKNOWN = "log-probabilities that are not numbers"
_DRAWS_AT_ONCE = 2**22  # of items, in a block of resamples


class Mean(NamedTuple):
    """A mean over `n` items, and over each resample of them: shape (resamples,)."""

    value: float
    resampled: NDArray[np.float64]
    n: int


class Three(NamedTuple):
    """Means of a candidate, its base and its mixed model."""

    ours: Mean
    base: Mean
    mixed: Mean


Means = dict[str, dict[str, list[Mean]]]  # language -> model -> the means of a measure's benchmarks


def models_of(candidates: Iterable[Candidate], replicates: ModelsBySeed) -> list[str]:
    """The ids of all models whose scores are needed, with each seed."""
    models = dict.fromkeys(model for candidate in candidates for model in candidate.models)
    return [name for model in models for name in replicates.get(model, {0: model}).values()]


def about(candidate: Candidate, measure: str) -> tuple[object, ...]:
    """The first columns of the candidate's row in a measure."""
    c = candidate
    return (measure, c.kind, c.setup, c.method, c.rounds, c.id, combination(c.languages), len(c.languages), c.cost)


def means_of(
    scores: Mapping[str, pd.DataFrame | Path],
    candidates: Sequence[Candidate],
    reference: pd.DataFrame,
    resamples: int,
    seed: int,
    measured: Mapping[str, tuple[str, Normalisation]],
    replicates: ModelsBySeed,
) -> dict[str, Means]:
    """The means of each measure."""
    chosen = {name: said for name, said in measured.items() if said[0] in GAP_MEASURES}
    listings = Listings(chosen, reference)
    items: dict[Cell, pd.Index] = {}
    values: dict[Cell, dict[str, NDArray[np.float64]]] = {}
    for name in models_of(candidates, replicates):
        if is_there(scores, name):
            for cell, found in item_values(scores[name], name, listings, items):
                values.setdefault(cell, {})[name] = found
    means: dict[str, Means] = {}
    for cell in sorted(values):
        of_language = means.setdefault(chosen[cell[0]][0], {}).setdefault(cell[1], {})
        for name, mean in _resampled(values[cell], resamples, hash64(f"{seed}/{'/'.join(cell)}")):
            of_language.setdefault(name, []).append(mean)
    return means


def _resampled(values: Mapping[str, NDArray[np.float64]], resamples: int, seed: int) -> Iterator[tuple[str, Mean]]:
    """Each model's mean over the items of a cell, and over resamples of them, which are the same for all models."""
    rows = np.array(list(values.values()), dtype=np.float64)
    n = rows.shape[1]
    if n < FEWEST_ITEMS:
        resampled = np.full((len(rows), resamples), np.nan)
    else:
        rng = np.random.default_rng(seed)
        at_once = max(1, _DRAWS_AT_ONCE // n)
        sizes = [min(at_once, resamples - start) for start in range(0, resamples, at_once)]
        counts = (rng.multinomial(n, np.full(n, 1 / n), size=size) for size in sizes)
        resampled = np.concatenate([rows @ drawn.T / n for drawn in counts], axis=1)
    for name, row, means in zip(values, rows, resampled, strict=True):
        yield name, Mean(float(row.mean()), means, n)


def lacking(chosen: Mapping[str, tuple[str, str, str]], means: Means) -> str:
    """Why there is no share; empty if all scores are there."""
    absent = [f"{model} in {code}" for code, models in chosen.items() for model in models if model not in means[code]]
    if absent:
        return f"no score of {absent[0]}"
    return "" if chosen else "no language has this measure"


def three_of(chosen: Mapping[str, tuple[str, str, str]], means: Means) -> Three:
    """The means over languages."""
    return Three(
        *(_over_languages([means[code][models[place]] for code, models in chosen.items()]) for place in range(3))
    )


def mean_of(parts: Sequence[Mean], n: int) -> Mean:
    """The unweighted mean over models that are scored on `n` items in all."""
    value = float(np.mean([part.value for part in parts]))
    return Mean(value, np.mean([part.resampled for part in parts], axis=0), n)


def _over_languages(parts: Sequence[Sequence[Mean]]) -> Mean:
    """The unweighted mean over languages of the unweighted mean over benchmarks."""
    return Mean(
        float(np.mean([np.mean([mean.value for mean in part]) for part in parts])),
        np.mean([np.mean([mean.resampled for mean in part], axis=0) for part in parts], axis=0),
        sum(mean.n for part in parts for mean in part),
    )
