"""Scores of merges and of the experts that they are made from, for the figures that average over them."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
import pandas as pd

from growmerge import ids
from growmerge.figures.selection import look_up, overall


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
