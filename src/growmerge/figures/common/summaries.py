"""How the cells of a figure are found in a summary of scores (`growmerge.tables.summary`)."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
import pandas as pd

from growmerge import ids
from growmerge.figures.common.selection import VALUES
from growmerge.ids import ALL, MEAN
from growmerge.tables.summary import measure_order

CELL = ("kind", "setup", "target", "method", "measure", "language")


def overall(summary: pd.DataFrame) -> pd.DataFrame:
    """The rows of the summary that stand for all subsets of a measure."""
    return summary[summary["subset"] == ALL]


def measures(summary: pd.DataFrame) -> list[str]:
    """The measures of the summary in the order of the paper's figures."""
    return sorted(summary["measure"].unique(), key=measure_order)


def look_up(wanted: pd.DataFrame, summary: pd.DataFrame) -> pd.DataFrame:
    """`wanted` (models and merges, by the columns `CELL`) with `id` and `VALUES` of the summary, and `seeds` if it has.

    Where the summary has no such row, the value is NaN and n = 0.
    """
    finished = summary["kind"].isin(["model", "merge"]) & summary["step"].isna()
    columns = [*VALUES, *(["seeds"] if "seeds" in summary else [])]
    rows = overall(summary[finished])[[*CELL, "id", *columns]]
    found = wanted.merge(rows, on=list(CELL), how="left", validate="many_to_one")
    return found.assign(n=found["n"].fillna(0).astype(np.int64), id=found["id"].fillna(""))


def merge_scores(summary: pd.DataFrame, languages: Collection[str], methods: Collection[str]) -> pd.DataFrame:
    """One row per merge of `languages` by one of `methods`, and measure.

    `value` is the mean over the merge's languages of the score in that language, `n_cells` of `n_expected` scores that
    the summary lists for it are there.
    """
    rows = overall(summary)
    rows = rows[(rows["kind"] == "merge") & rows["step"].isna() & rows["method"].isin(methods)]
    own = [
        language in ids.languages_of(target) and set(languages).issuperset(ids.languages_of(target))
        for language, target in zip(rows["language"], rows["target"], strict=True)
    ]
    by_merge = rows[np.array(own, dtype=bool)].groupby(["id", "measure", "setup", "method", "members"], sort=False)[
        "value"
    ]
    return by_merge.agg(value="mean", n_cells="count", n_expected="size").reset_index()


def expert_scores(summary: pd.DataFrame, languages: Sequence[str], measure: str, setup: str) -> pd.DataFrame:
    """One row per language: the score of its expert in it, and the counts of `merge_scores`."""
    cells = pd.DataFrame({"target": languages, "language": languages}, dtype=str)
    found = look_up(cells.assign(kind="model", method="", measure=measure, setup=setup), summary)
    return found.assign(n_cells=found["value"].notna().astype(np.int64), n_expected=1)


def mean_score(parts: pd.DataFrame) -> tuple[float, float, float, int, int]:
    """Mean, lowest and highest value, number of scores, number of scores expected."""
    values = parts["value"]
    return values.mean(), values.min(), values.max(), int(parts["n_cells"].sum()), int(parts["n_expected"].sum())


def with_intervals(table: pd.DataFrame, summary: pd.DataFrame, keys: Sequence[str]) -> pd.DataFrame:
    """Means over models with their 95 % intervals over seeds and items, `interval_low` and `interval_high`.

    `keys` are the columns of `table` that have measure, setup, method and number of members, as in the groups of the
    summary. NaN where not all scores are there, or too few items. In a study of one seed, `table` stays as it is.
    """
    if "seeds" not in summary:
        return table
    means = summary[summary["kind"] == MEAN].set_index(["measure", "setup", "method", "members"])
    found = means.reindex(pd.MultiIndex.from_frame(table[list(keys)])).set_index(table.index)
    whole = table["n_cells"] == table["n_expected"]
    return table.assign(interval_low=found["low"].where(whole), interval_high=found["high"].where(whole))
