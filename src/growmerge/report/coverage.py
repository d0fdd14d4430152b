"""Which benchmarks there are in which language, and whether they can tell models apart."""

from __future__ import annotations

from collections import Counter

import pandas as pd

from growmerge.catalogue.entry import LOWER_IS_BETTER
from growmerge.ids import ALL
from growmerge.report.page import Coverage, Covered
from growmerge.study.grid import Grid


def coverage(grid: Grid, scores: pd.DataFrame) -> Coverage:
    """Every benchmark by language, from the table of scores."""
    study = grid.study
    measures = {benchmark.name: benchmark.measured[0] for benchmark in study.benchmarks}
    several = Counter(measures.values())
    cells = set(grid.score_cells)
    rows = []
    for name, measure in measures.items():
        subset = name if several[measure] > 1 else ALL
        those = scores[(scores["measure"] == measure) & (scores["subset"] == subset)]
        by_language = [
            _covered(those[those["language"] == language], measure) if (name, language) in cells else None
            for language in grid.scored_languages
        ]
        rows.append((name, measure, by_language))
    return Coverage(grid.scored_languages, rows)


def _covered(rows: pd.DataFrame, measure: str) -> Covered:
    scored = rows.dropna(subset="value")
    if scored.empty:
        return Covered(0, 0, None, None, None)
    known = scored.dropna(subset=["low", "chance"])
    worst, best = scored["value"].min(), scored["value"].max()
    if measure in LOWER_IS_BETTER:
        worst, best = best, worst
    above = None if scored["chance"].isna().all() else int((known["low"] > known["chance"]).sum())
    return Covered(int(scored["n"].max()), int(scored["low"].notna().sum()), above, float(worst), float(best))
