"""Which share of the gap between a base and a jointly trained model is won back with less joint training, or none."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from growmerge.catalogue.entry import LOWER_IS_BETTER, Normalisation
from growmerge.frames import write_frame
from growmerge.study.gap import GAP_MEASURES, Candidate
from growmerge.study.replicates import ModelsBySeed
from growmerge.tables.gap_means import NO_GAP, UNKNOWN, Means, about, lacking, means_of, models_of, three_of
from growmerge.tables.gap_over_seeds import groups_of, of_group, over_seeds
from growmerge.tables.score_files import score_files
from growmerge.tables.statistics import PERCENTILES

logger = logging.getLogger(__name__)
COLUMNS = (
    *("measure", "kind", "setup", "method", "rounds", "id", "target", "members", "cost"),
    *("share", "low", "high", "value", "base", "mixed", "n", "reason"),
)


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
    means = means_of(scores, candidates, reference, resamples, seed, measured, replicates or {})
    measures = [measure for measure in GAP_MEASURES if measure in means]
    if not replicates:
        rows = [_row(candidate, measure, means[measure]) for measure in measures for candidate in candidates]
        return pd.DataFrame(rows, columns=list(COLUMNS))
    rows = []
    for measure in measures:
        of_measure = means[measure]
        for candidate in candidates:
            found = over_seeds(candidate, measure, of_measure, replicates)
            rows.append(found or (*_row(candidate, measure, of_measure), 1))
        rows += [of_group(merges, measure, of_measure, replicates) for merges in groups_of(candidates)]
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
    paths, there, reference = score_files(scores_folder, models_of(candidates, replicates or {}), references)
    table = gap(paths, candidates, reference, resamples, seed, measured, replicates)
    config = {"resamples": resamples, "seed": seed, "measured": dict(measured)}
    facts = {"candidates": len(candidates), "rows": len(table)}
    write_frame(table, parquet, [*there, *references], config, facts, start)
    logger.info("%d rows of %d candidates", len(table), len(candidates))


def _row(candidate: Candidate, measure: str, means: Means) -> tuple[object, ...]:
    """The row of a candidate of one seed."""
    c, first = candidate, about(candidate, measure)
    chosen = {code: (c.scored_by[code], c.base, c.mixed) for code in c.languages if code in means}
    if reason := lacking(chosen, means):
        return (*first, *[np.nan] * 6, 0, reason)
    ours, base, mixed = three_of(chosen, means)
    better = -1 if measure in LOWER_IS_BETTER else 1
    whole, wholes = better * (mixed.value - base.value), better * (mixed.resampled - base.resampled)
    known = not np.isnan(wholes).any()
    lowest = float(np.percentile(wholes, PERCENTILES[0])) if known else whole
    if not (whole > 0 and lowest > 0):
        reason = UNKNOWN if np.isnan(whole) else NO_GAP
        return (*first, *[np.nan] * 3, ours.value, base.value, mixed.value, ours.n, reason)
    shares = better * (ours.resampled - base.resampled) / wholes
    ends = np.percentile(shares, PERCENTILES) if known else (np.nan, np.nan)
    share = better * (ours.value - base.value) / whole
    return (*first, share, float(ends[0]), float(ends[1]), ours.value, base.value, mixed.value, ours.n, "")
