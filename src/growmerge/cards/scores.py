"""What the table of scores says of each model, as far as it is about the model that is there now."""

from __future__ import annotations

import logging
import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from growmerge.artifacts import read_manifest, verify
from growmerge.catalogue.entry import BITS_PER_BYTE, LOWER_IS_BETTER, PARITY, TRANSLATION
from growmerge.errors import GrowmergeError
from growmerge.figures.common.palette import MEASURE_LABELS
from growmerge.ids import ALL
from growmerge.tables.markdown import decimals, interval, markdown_table, number
from growmerge.tables.summary import of_single_models

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Score:
    """A row of the table: a measure in a language, with its 95 % interval (NaN: too few items) over `n` items."""

    measure: str
    language: str
    value: float
    low: float
    high: float
    n: int

    @property
    def label(self) -> str:
        """The measure as figures call it."""
        return MEASURE_LABELS.get(self.measure, self.measure)

    def result(self, name: str) -> dict[str, Any]:
        """An entry of `model-index`, the hub's list of a model's results."""
        bounds = {} if math.isnan(self.low) else {"low": self.low, "high": self.high}
        metric = {"type": _metric(self.measure), "value": self.value, "name": self.label}
        return {
            "task": {"type": "text-generation", "name": self.label},
            "dataset": {"type": self.measure, "name": f"{self.label} ({name})", "config": self.language},
            "metrics": [metric | {"args": bounds | {"items": self.n}}],
        }


def _metric(measure: str) -> str:
    """The metric as the hub lists them (https://hf.co/metrics), where it does."""
    if measure.endswith(TRANSLATION):
        return "chrf"
    return measure if measure in (PARITY, BITS_PER_BYTE) else "accuracy"


class Scores:
    """The scores of a study's models, from `table` (scores.parquet); without such a table there are none.

    A score counts if its table was made from the items that are there now, and those were measured on the model of
    that digest: cards and what is published have no numbers of other weights.
    """

    def __init__(self, table: Path) -> None:
        """Read the table. Raises GrowmergeError if it is damaged."""
        self._table = pd.DataFrame({"id": [], "subset": []})
        self._made_from: Mapping[str, str] = {}
        if table.exists():
            self._made_from = verify(table).inputs
            self._table = of_single_models(pd.read_parquet(table))

    def of(self, model_id: str, items: str, digests: Collection[str]) -> list[Score]:
        """The scores of a model over all items of each measure.

        `items` is the path of its items, `digests` are those that its scores may name: its own, or its recipe's.
        """
        rows = self._table[(self._table["id"] == model_id) & (self._table["subset"] == ALL)]
        rows = rows[rows["value"].notna() & (rows["n"] > 0)] if len(rows) else rows
        if rows.empty:
            return []
        try:
            scored = read_manifest(Path(items))
        except GrowmergeError:
            scored = None
        if scored is None or self._made_from.get(items) != scored.digest or scored.facts["model"] not in digests:
            logger.warning("%s: its scores in the table are of other weights, and left out of its card", model_id)
            return []
        return [
            Score(row.measure, row.language, float(row.value), float(row.low), float(row.high), int(row.n))
            for row in rows.itertuples()
        ]


def section(scores: Collection[Score], names: Mapping[str, str]) -> str:
    """The scores as Markdown; `names` are those of the languages by their codes."""
    if not scores:
        return "## Scores\n\nNot scored yet.\n"
    digits = {m: decimals(m, [s.value for s in scores if s.measure == m]) for m in {s.measure for s in scores}}
    rows = [
        (
            score.label,
            f"{names.get(score.language, score.language)} ({score.language})",
            number(score.value, digits[score.measure]),
            interval(score.value, score.low, score.high, digits[score.measure]).strip(),
            str(score.n),
        )
        for score in scores
    ]
    table = markdown_table(("measure", "language", "score", "95 % interval", "items"), rows)
    lower = any(score.measure in LOWER_IS_BETTER for score in scores)
    better = "Higher is better, but for bits per byte." if lower else "Higher is better."
    return f"## Scores\n\n{table}\n\n{better} Intervals are over items.\n"
