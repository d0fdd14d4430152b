"""Shares of the gap over several seeds: of candidates, and of the mean over merges of the same number of languages."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from growmerge.catalogue.entry import LOWER_IS_BETTER
from growmerge.ids import MEAN
from growmerge.study.gap import Candidate
from growmerge.study.replicates import ModelsBySeed
from growmerge.tables.gap_means import NO_GAP, UNKNOWN, Means, Three, about, lacking, mean_of, three_of
from growmerge.tables.seeds import ratio_over_seeds
from growmerge.tables.statistics import of_enough


def over_seeds(candidate: Candidate, measure: str, means: Means, replicates: ModelsBySeed) -> tuple[object, ...] | None:
    """The row of a candidate from the seeds with which it has scores; None if these are fewer than two."""
    seeds = _seeds([candidate], replicates)
    known = [three for seed in seeds if (three := _three_with_seed(candidate, seed, means, replicates))]
    return (*about(candidate, measure), *_shared_out(known, measure), len(known)) if len(known) > 1 else None


def of_group(merges: Sequence[Candidate], measure: str, means: Means, replicates: ModelsBySeed) -> tuple[object, ...]:
    """The row of the mean over `merges`, from the seeds with which all of them have scores."""
    known = []
    languages = [code for code in dict.fromkeys(code for merge in merges for code in merge.languages) if code in means]
    n = sum(max(sum(mean.n for mean in parts) for parts in means[code].values()) for code in languages)
    for seed in _seeds(merges, replicates):
        threes = [_three_with_seed(merge, seed, means, replicates) for merge in merges]
        whole = [three for three in threes if three]
        if len(whole) == len(merges):
            known.append(Three(*(mean_of(parts, n) for parts in zip(*whole, strict=True))))
    one = merges[0]
    first = (measure, MEAN, one.setup, one.method, one.rounds, "", "", len(one.languages), one.cost)
    if len(known) < 2:
        return (*first, *[np.nan] * 6, 0, "no two seeds with which all merges have scores", len(known))
    return (*first, *_shared_out(known, measure), len(known))


def groups_of(candidates: Iterable[Candidate]) -> list[list[Candidate]]:
    """The merges of a setup by a method with the same number of members, where there are several."""
    groups: dict[tuple[str, str, int], list[Candidate]] = {}
    for candidate in candidates:
        if candidate.kind == "merge":
            key = (candidate.setup, candidate.method, len(candidate.languages))
            groups.setdefault(key, []).append(candidate)
    return [group for group in groups.values() if len(group) > 1]


def _shared_out(threes: Sequence[Three], measure: str) -> tuple[object, ...]:
    """`share` to `reason` of the means of two or more seeds, each over the same items."""
    better = -1 if measure in LOWER_IS_BETTER else 1
    values = np.array([[mean.value for mean in three] for three in threes])  # seeds x (ours, base, mixed)
    resampled = np.mean([[mean.resampled for mean in three] for three in threes], axis=0)  # the three x resamples
    ours, base, mixed = (better * values[:, place] for place in range(3))
    won, whole = ours - base, mixed - base
    n = threes[0].ours.n
    said = (*values.mean(axis=0), n)
    if np.isnan(values).any():
        return (*[np.nan] * 3, *said, UNKNOWN)
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


def _three_with_seed(candidate: Candidate, seed: int, means: Means, replicates: ModelsBySeed) -> Three | None:
    """The means of the candidate's models with a seed; None if one has no score."""
    chosen = _with_seed(candidate, seed, means, replicates)
    return None if lacking(chosen, means) else three_of(chosen, means)


def _with_seed(
    candidate: Candidate, seed: int, means: Means, replicates: ModelsBySeed
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
