"""What merging two models costs, and which measure of their similarity predicts it (Aycock et al. 2026, section 4)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from growmerge import ids
from growmerge.catalogue.entry import LOWER_IS_BETTER, OWN_UNITS
from growmerge.comparing.statistics import similarities
from growmerge.comparing.statistics.typology import DISTANCE
from growmerge.config.analysis import DropCases
from growmerge.ids import ALL, MEAN
from growmerge.tables.correlation import Coefficient, correlate
from growmerge.tables.statistics import holm
from growmerge.tables.summary import measure_order

COEFFICIENTS: tuple[Coefficient, ...] = ("pearson", "spearman")
SIMILARITIES = tuple(similarities())  # in the order of tables and figures
DROP_COLUMNS = ("setup", "first", "second", "measure", "delta")
PAIR_COLUMNS = (*DROP_COLUMNS, "similarity", "x")
CORRELATION_COLUMNS = (
    *("setup", "measure", "similarity", "coefficient"),
    *("n", "value", "p", "p_permuted", "low", "high", "p_holm"),
)


def drops(
    summary: pd.DataFrame,
    setups: Sequence[str],
    languages: Sequence[str],
    method: str,
    cases: DropCases = "complete",
) -> pd.DataFrame:
    """Delta of every pair of languages merged by `method`: columns `DROP_COLUMNS`, `first` and `second` sorted.

    Delta is the mean over the two languages of the merge's score minus that of the language's own model, in the unit
    of the scores; negative where merging costs, so for bits per byte it is the expert's score minus the merge's.
    `measure` "mean" is the mean over the measures that the summary has, but for translation and bits per byte, which
    are no shares. NaN where a score is missing; with `cases`
    "available", delta is over those of the two languages that have both scores (the public code of Aycock et al. 2026,
    multiblimp/matrix_analysis.py: 45 pairs, though MultiBLiMP has no Chinese), and NaN if neither has.
    """
    rows = summary[(summary["subset"] == ALL) & (summary["method"].isin(["", method]))]
    found = rows.set_index(["setup", "target", "measure", "language"])["value"].to_dict()
    names = sorted(rows["measure"].unique(), key=measure_order)
    table = []
    for setup in setups:
        for pair in combinations(sorted(languages), 2):
            deltas = []
            for name in names:
                merged = [found.get((setup, ids.combination(pair), name, language), np.nan) for language in pair]
                experts = [found.get((setup, language, name, language), np.nan) for language in pair]
                delta = _delta(np.array(merged), np.array(experts), cases)
                deltas.append(-delta if name in LOWER_IS_BETTER else delta)
            shares = [delta for name, delta in zip(names, deltas, strict=True) if name not in OWN_UNITS]
            values = [*zip(names, deltas, strict=True), (MEAN, float(np.mean(shares)) if shares else np.nan)]
            table += [(setup, *pair, name, delta) for name, delta in values]
    return pd.DataFrame(table, columns=list(DROP_COLUMNS))


def _delta(merged: np.ndarray, experts: np.ndarray, cases: DropCases) -> float:
    if cases == "available":
        there = ~np.isnan(merged - experts)
        if not there.any():
            return float("nan")
        merged, experts = merged[there], experts[there]
    return float(np.mean(merged) - np.mean(experts))


def similarity_and_drop(
    comparisons: pd.DataFrame, deltas: pd.DataFrame, distances: pd.DataFrame | None
) -> pd.DataFrame:
    """Join each pair's `deltas` (from `drops`) with each of its `SIMILARITIES`: columns `PAIR_COLUMNS`.

    `comparisons` are those of all setups, with a column `setup`; of them the values over all layers and kinds count.
    `distances` are typological ones (`typology.COLUMNS`), the same in every setup. `x` is NaN where the two models were
    not compared.
    """
    whole = comparisons[comparisons["layer"].isna() & (comparisons["kind"] == ALL)]
    parts = [whole.rename(columns={"measure": "similarity", "value": "x"})]
    if distances is not None:
        of_pairs = distances.rename(columns={"distance": "x"}).assign(similarity=DISTANCE.name)
        parts.append(of_pairs.merge(pd.DataFrame({"setup": deltas["setup"].unique()}), how="cross"))
    measured = pd.concat([part[["setup", "first", "second", "similarity", "x"]] for part in parts])
    # The order of the two languages in a row carries no meaning.
    order = np.sort(measured[["first", "second"]].to_numpy(dtype=str), axis=1)
    measured = measured.assign(first=order[:, 0], second=order[:, 1])
    names = [name for name in SIMILARITIES if (measured["similarity"] == name).any()]
    wanted = deltas.merge(pd.DataFrame({"similarity": names}, dtype=str), how="cross")
    keys = ["setup", "first", "second", "similarity"]
    return wanted.merge(measured, on=keys, how="left", validate="many_to_one")[list(PAIR_COLUMNS)]


def correlations(pairs: pd.DataFrame, resamples: int, seed: int) -> pd.DataFrame:
    """How each similarity goes with delta: columns `CORRELATION_COLUMNS`, see `correlation.Correlation`.

    Of every setup for itself, and of all together (setup "all"), in which differences between setups count, too.
    `p_holm` is `p_permuted` adjusted for the number of similarities tried as predictors of the same deltas (Holm 1979).
    """
    table = pd.DataFrame(_correlations(pairs, resamples, seed), columns=list(CORRELATION_COLUMNS[:-1]))
    table["p_holm"] = np.nan
    for _, tried in table.groupby(["setup", "measure", "coefficient"], sort=False):
        table.loc[tried.index, "p_holm"] = holm(tried["p_permuted"])
    return table


def _correlations(pairs: pd.DataFrame, resamples: int, seed: int) -> Iterator[tuple[Any, ...]]:
    points = pairs.rename(columns={"delta": "y"})
    setups = list(points["setup"].unique())
    groups = [(setup, points[points["setup"] == setup]) for setup in setups]
    for setup, rows in [*groups, *([(ALL, points)] if len(setups) > 1 else [])]:
        for (measure, similarity), part in rows.groupby(["measure", "similarity"], sort=False):
            for coefficient in COEFFICIENTS:
                yield (setup, measure, similarity, coefficient, *correlate(part, coefficient, resamples, seed))
