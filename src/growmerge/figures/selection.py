"""What a figure shows, and how its cells are found in the summary."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Any

import numpy as np
import pandas as pd

from growmerge.config.analysis import Analysis
from growmerge.config.merging import Method
from growmerge.ids import ALL, MULTI
from growmerge.study.matching import Match
from growmerge.tables.summary import measure_order

VALUES = ("value", "low", "high", "n", "chance")
CELL = ("kind", "setup", "target", "method", "measure", "language")


@dataclass(frozen=True)
class Selection:
    """The languages, setups and methods of a figure, in the order in which they are drawn.

    `method` is the one that the pairwise figure shows. English is measured as what is kept, and is no target. `bases`
    are the ids of the base models whose English is drawn; all that the summary holds if it is None. `matches` are the
    compute-matched pairs of models; `settings` are the methods with their parameters, for the sweep of densities;
    `orders` those in which languages are merged one by one. `steps` says by model id how long finished models were
    trained, with `tokens_per_step`; `shares` by setup after which share of training its experts branch off.
    """

    languages: tuple[str, ...]
    setups: tuple[str, ...]
    methods: tuple[str, ...] = ()
    method: str = "linear"
    english: str = "eng"
    bases: tuple[str, ...] | None = None
    matches: tuple[Match, ...] = ()
    settings: tuple[Method, ...] = ()
    orders: tuple[tuple[str, ...], ...] = ()
    steps: Mapping[str, int] = field(default_factory=dict)
    tokens_per_step: int = 0
    shares: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def of(cls, plain: Mapping[str, Any], analysis: Analysis) -> Selection:
        """The selection that `growmerge.study.shown.figure_selection` gives as plain data."""
        lists: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in plain.items()}
        return replace(
            cls(**lists),
            method=analysis.pairwise_method,
            matches=tuple(Match(**match) for match in plain.get("matches", ())),
            settings=tuple(Method.model_validate(method) for method in plain.get("settings", ())),
            orders=tuple(map(tuple, plain.get("orders", ()))),
        )

    def compared(self) -> dict[tuple[str, str], list[Match]]:
        """The matches of the selected setups and targets by (cheaper, dearer), in the order in which they are drawn.

        Which of two setups is the cheaper one may depend on the target: then they are two entries.
        """
        targets = [*self.languages, MULTI]
        shown = [m for m in self.matches if m.target in targets and {m.cheaper, m.dearer} <= set(self.setups)]
        shown.sort(key=lambda m: (self.setups.index(m.cheaper), self.setups.index(m.dearer), targets.index(m.target)))
        return {pair: list(part) for pair, part in groupby(shown, key=lambda m: (m.cheaper, m.dearer))}


def overall(summary: pd.DataFrame) -> pd.DataFrame:
    """The rows of the summary that stand for all subsets of a measure."""
    return summary[summary["subset"] == ALL]


def measures(summary: pd.DataFrame) -> list[str]:
    """The measures of the summary in the order of the paper's figures."""
    return sorted(summary["measure"].unique(), key=measure_order)


def look_up(wanted: pd.DataFrame, summary: pd.DataFrame) -> pd.DataFrame:
    """`wanted` (models and merges, by the columns `CELL`) with `id` and `VALUES` of the summary.

    Where the summary has no such row, the value is NaN and n = 0.
    """
    finished = summary["kind"].isin(["model", "merge"]) & summary["step"].isna()
    rows = overall(summary[finished])[[*CELL, "id", *VALUES]]
    found = wanted.merge(rows, on=list(CELL), how="left", validate="many_to_one")
    return found.assign(n=found["n"].fillna(0).astype(np.int64), id=found["id"].fillna(""))
