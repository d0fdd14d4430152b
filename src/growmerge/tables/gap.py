"""Which share of the gap between a base and a jointly trained model is won back with less joint training, or none."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from growmerge.catalogue.entry import LOWER_IS_BETTER, Normalisation
from growmerge.frames import write_frame
from growmerge.hashing import hash64
from growmerge.ids import MEAN, combination
from growmerge.study.gap import GAP_MEASURES, Candidate
from growmerge.study.replicates import ModelsBySeed
from growmerge.tables.item_values import is_there, item_values
from growmerge.tables.listed import Cell, Listings
from growmerge.tables.score_files import score_files
from growmerge.tables.seeds import ratio_over_seeds
from growmerge.tables.statistics import FEWEST_ITEMS, PERCENTILES, of_enough

logger = logging.getLogger(__name__)
COLUMNS = (
    *("measure", "kind", "setup", "method", "rounds", "id", "target", "members", "cost"),
    *("share", "low", "high", "value", "base", "mixed", "n", "reason"),
)
NO_GAP = "the jointly trained model is not better than the base beyond chance"
_DRAWS_AT_ONCE = 2**22  # of items, in a block of resamples


class _Mean(NamedTuple):
    """A mean over `n` items, and over each resample of them: shape (resamples,)."""

    value: float
    resampled: NDArray[np.float64]
    n: int


class _Three(NamedTuple):
    """Means of a candidate, its base and its mixed model."""

    ours: _Mean
    base: _Mean
    mixed: _Mean


_Means = dict[str, dict[str, list[_Mean]]]  # language -> model -> the means of a measure's benchmarks


def gap(
    scores: Mapping[str, pd.DataFrame | Path],
    candidates: Sequence[Candidate],
    reference: pd.DataFrame,
    resamples: int,
    seed: int,
    measured: Mapping[str, tuple[str, Normalisation]],
    replicates: ModelsBySeed | None = None,
) -> pd.DataFrame:
    """One row per candidate and measure of `GAP_MEASURES`: columns `COLUMNS`.

    `share` is (model - base) / (mixed - base), each a mean over the candidate's languages of the mean over the
    benchmarks of the measure of the mean over items (bits per byte: of all documents together); 0 is the base, 1 the
    jointly trained model. `value`, `base` and `mixed` are these means, in the unit of the scores. `low` and `high` are
    the percentiles of a bootstrap over items (over documents for bits per byte), within each benchmark and language,
    the same resamples for all three models (Efron and Tibshirani 1993); NaN if a benchmark has fewer than
    `statistics.FEWEST_ITEMS`. They do not show the variation between training runs.

    Where mixed is not better than base in at least 97.5 % of the resamples, there is no gap to be shared: `share` is
    NaN and `reason` says so. It also says what is missing where a model was not scored in a language. Languages in
    which no model has the measure are left out; `n` is the number of items. The other arguments are those of
    `contrasts.compare`.

    With `replicates`, `value`, `base` and `mixed` are also means over seeds: those for which all these models have
    scores; the column `seeds` is their number. `share` is the ratio of these means, and its interval is over seeds and
    items together (`seeds.ratio_over_seeds`). There is a gap if such an interval of mixed minus base is above 0. And a
    row of kind "mean", without id and target, has the same of the mean over all merges of a setup by a method with
    that many members: each of the three is first averaged over the merges.
    """
    means = _means(scores, candidates, reference, resamples, seed, measured, replicates or {})
    measures = [measure for measure in GAP_MEASURES if measure in means]
    if not replicates:
        rows = [_row(candidate, measure, means[measure]) for measure in measures for candidate in candidates]
        return pd.DataFrame(rows, columns=list(COLUMNS))
    rows = []
    for measure in measures:
        rows += [_over_seeds(candidate, measure, means[measure], replicates) for candidate in candidates]
        rows += [_of_group(merges, measure, means[measure], replicates) for merges in _groups(candidates)]
    return pd.DataFrame(rows, columns=[*COLUMNS, "seeds"])


def write_gap(
    candidates: Sequence[Candidate],
    scores_folder: Path,
    references: Sequence[Path],
    parquet: Path,
    *,
    resamples: int,
    seed: int,
    measured: Mapping[str, tuple[str, Normalisation]],
    replicates: ModelsBySeed | None = None,
) -> None:
    """Write `gap` of the candidates to `parquet` and a .csv beside it.

    Scores are `scores_folder`/{id}/items.parquet; `references` holds those of the reference model, or nothing. Raises
    GrowmergeError for scores that differ from their manifest.
    """
    start = time.monotonic()
    paths, there, reference = score_files(scores_folder, _models(candidates, replicates or {}), references)
    table = gap(paths, candidates, reference, resamples, seed, measured, replicates)
    config = {"resamples": resamples, "seed": seed, "measured": dict(measured)}
    facts = {"candidates": len(candidates), "rows": len(table)}
    write_frame(table, parquet, [*there, *references], config, facts, start)
    logger.info("%d rows of %d candidates", len(table), len(candidates))


def _models(candidates: Iterable[Candidate], replicates: ModelsBySeed) -> list[str]:
    """The ids of all models whose scores are needed, with each seed."""
    models = dict.fromkeys(model for candidate in candidates for model in candidate.models)
    return [name for model in models for name in replicates.get(model, {0: model}).values()]


def _means(
    scores: Mapping[str, pd.DataFrame | Path],
    candidates: Sequence[Candidate],
    reference: pd.DataFrame,
    resamples: int,
    seed: int,
    measured: Mapping[str, tuple[str, Normalisation]],
    replicates: ModelsBySeed,
) -> dict[str, _Means]:
    """The means of each measure."""
    chosen = {name: said for name, said in measured.items() if said[0] in GAP_MEASURES}
    listings = Listings(chosen, reference)
    items: dict[Cell, pd.Index] = {}
    values: dict[Cell, dict[str, NDArray[np.float64]]] = {}
    for name in _models(candidates, replicates):
        if is_there(scores, name):
            for cell, found in item_values(scores[name], name, listings, items):
                values.setdefault(cell, {})[name] = found
    means: dict[str, _Means] = {}
    for cell in sorted(values):
        of_language = means.setdefault(chosen[cell[0]][0], {}).setdefault(cell[1], {})
        for name, mean in _resampled(values[cell], resamples, hash64(f"{seed}/{'/'.join(cell)}")):
            of_language.setdefault(name, []).append(mean)
    return means


def _resampled(values: Mapping[str, NDArray[np.float64]], resamples: int, seed: int) -> Iterator[tuple[str, _Mean]]:
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
        yield name, _Mean(float(row.mean()), means, n)


def _row(candidate: Candidate, measure: str, means: _Means) -> tuple[object, ...]:
    c = candidate
    about = (measure, c.kind, c.setup, c.method, c.rounds, c.id, combination(c.languages), len(c.languages), c.cost)
    chosen = {code: (c.scored_by[code], c.base, c.mixed) for code in c.languages if code in means}
    if reason := _lacking(chosen, means):
        return (*about, *[np.nan] * 6, 0, reason)
    ours, base, mixed = _three(chosen, means)
    better = -1 if measure in LOWER_IS_BETTER else 1
    whole, wholes = better * (mixed.value - base.value), better * (mixed.resampled - base.resampled)
    known = not np.isnan(wholes).any()
    lowest = float(np.percentile(wholes, PERCENTILES[0])) if known else whole
    if not (whole > 0 and lowest > 0):
        reason = "log-probabilities that are not numbers" if np.isnan(whole) else NO_GAP
        return (*about, *[np.nan] * 3, ours.value, base.value, mixed.value, ours.n, reason)
    shares = better * (ours.resampled - base.resampled) / wholes
    ends = np.percentile(shares, PERCENTILES) if known else (np.nan, np.nan)
    share = better * (ours.value - base.value) / whole
    return (*about, share, float(ends[0]), float(ends[1]), ours.value, base.value, mixed.value, ours.n, "")


def _over_seeds(candidate: Candidate, measure: str, means: _Means, replicates: ModelsBySeed) -> tuple[object, ...]:
    """The row of a candidate of which there are replicates, from those that have scores."""
    c = candidate
    known = [three for seed in _seeds([c], replicates) if (three := _three_with_seed(c, seed, means, replicates))]
    if len(known) < 2:
        return (*_row(c, measure, means), 1)
    about = (measure, c.kind, c.setup, c.method, c.rounds, c.id, combination(c.languages), len(c.languages), c.cost)
    return (*about, *_shared_out(known, measure), len(known))


def _of_group(merges: Sequence[Candidate], measure: str, means: _Means, replicates: ModelsBySeed) -> tuple[object, ...]:
    """The row of the mean over `merges`, from the seeds with which all of them have scores."""
    known = []
    languages = [code for code in dict.fromkeys(code for merge in merges for code in merge.languages) if code in means]
    n = sum(max(sum(mean.n for mean in parts) for parts in means[code].values()) for code in languages)
    for seed in _seeds(merges, replicates):
        threes = [_three_with_seed(merge, seed, means, replicates) for merge in merges]
        whole = [three for three in threes if three]
        if len(whole) == len(merges):
            known.append(_Three(*(_mean_of(parts, n) for parts in zip(*whole, strict=True))))
    first = merges[0]
    about = (measure, MEAN, first.setup, first.method, first.rounds, "", "", len(first.languages), first.cost)
    if len(known) < 2:
        return (*about, *[np.nan] * 6, 0, "no two seeds with which all merges have scores", len(known))
    return (*about, *_shared_out(known, measure), len(known))


def _groups(candidates: Iterable[Candidate]) -> list[list[Candidate]]:
    """The merges of a setup by a method with the same number of members, where there are several."""
    groups: dict[tuple[str, str, int], list[Candidate]] = {}
    for candidate in candidates:
        if candidate.kind == "merge":
            key = (candidate.setup, candidate.method, len(candidate.languages))
            groups.setdefault(key, []).append(candidate)
    return [group for group in groups.values() if len(group) > 1]


def _shared_out(threes: Sequence[_Three], measure: str) -> tuple[object, ...]:
    """`share` to `reason` of the means of two or more seeds, each over the same items."""
    better = -1 if measure in LOWER_IS_BETTER else 1
    values = np.array([[mean.value for mean in three] for three in threes])  # seeds x (ours, base, mixed)
    resampled = np.mean([[mean.resampled for mean in three] for three in threes], axis=0)  # the three x resamples
    ours, base, mixed = (better * values[:, place] for place in range(3))
    won, whole = ours - base, mixed - base
    n = threes[0].ours.n
    said = (*values.mean(axis=0), n)
    if np.isnan(values).any():
        return (*[np.nan] * 3, *said, "log-probabilities that are not numbers")
    wholes = better * (resampled[2] - resampled[1])
    few = bool(np.isnan(wholes).any())  # items, so that there are no resamples
    lowest = whole.mean() if few else ratio_over_seeds(whole, np.ones(len(threes)), wholes, n).low
    if not lowest > 0:
        return (*[np.nan] * 3, *said, NO_GAP)
    shares = better * (resampled[0] - resampled[1]) / wholes
    found = ratio_over_seeds(won, whole, shares, n)
    return (*of_enough(found, 0 if few else n), *said, "")


def _seeds(candidates: Iterable[Candidate], replicates: ModelsBySeed) -> list[int]:
    """All seeds of the candidates' models."""
    models = [model for candidate in candidates for model in candidate.models]
    return list(dict.fromkeys(seed for model in models for seed in replicates.get(model, {})))


def _three_with_seed(candidate: Candidate, seed: int, means: _Means, replicates: ModelsBySeed) -> _Three | None:
    """The means of the candidate's models with a seed; None if one has no score."""
    chosen = _with_seed(candidate, seed, means, replicates)
    return None if _lacking(chosen, means) else _three(chosen, means)


def _with_seed(
    candidate: Candidate, seed: int, means: _Means, replicates: ModelsBySeed
) -> dict[str, tuple[str, str, str]]:
    """By language, the ids of the candidate, base and mixed model with a seed; what is made once is itself."""
    return {
        code: (
            _named(candidate.scored_by[code], seed, replicates),
            _named(candidate.base, seed, replicates),
            _named(candidate.mixed, seed, replicates),
        )
        for code in candidate.languages
        if code in means
    }


def _named(model: str, seed: int, replicates: ModelsBySeed) -> str:
    return replicates[model].get(seed, "") if model in replicates else model


def _lacking(chosen: Mapping[str, tuple[str, str, str]], means: _Means) -> str:
    """Why there is no share; empty if all scores are there."""
    lacking = [f"{model} in {code}" for code, models in chosen.items() for model in models if model not in means[code]]
    if lacking:
        return f"no score of {lacking[0]}"
    return "" if chosen else "no language has this measure"


def _three(chosen: Mapping[str, tuple[str, str, str]], means: _Means) -> _Three:
    """The means over languages."""
    return _Three(
        *(_over_languages([means[code][models[place]] for code, models in chosen.items()]) for place in range(3))
    )


def _over_languages(parts: Sequence[Sequence[_Mean]]) -> _Mean:
    """The unweighted mean over languages of the unweighted mean over benchmarks."""
    return _Mean(
        float(np.mean([np.mean([mean.value for mean in part]) for part in parts])),
        np.mean([np.mean([mean.resampled for mean in part], axis=0) for part in parts], axis=0),
        sum(mean.n for part in parts for mean in part),
    )


def _mean_of(parts: Sequence[_Mean], n: int) -> _Mean:
    """The unweighted mean over models that are scored on `n` items in all."""
    value = float(np.mean([part.value for part in parts]))
    return _Mean(value, np.mean([part.resampled for part in parts], axis=0), n)
