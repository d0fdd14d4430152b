"""Which benchmarks cannot tell models apart, as a sentence for the findings of figures."""

from __future__ import annotations

from pathlib import Path

from growmerge.figures.common.palette import MEASURE_LABELS
from growmerge.figures.common.wording import listed
from growmerge.lazily import lazily

with lazily():
    import pandas as pd


def no_signal(table: Path) -> str:
    """The measures and languages of a table of `growmerge.tables.signal` that cannot tell models apart, with reasons.

    Benchmarks of measures with several are left out: the figures show the measures.
    """
    cells = pd.read_parquet(table)
    cells = cells[cells["benchmark"] == ""]
    blind = cells[~cells["tells"]]
    if cells.empty:
        return ""
    if blind.empty:
        return "By the table signal, every measure can tell these models apart in every language."
    parts = []
    for measure, of_measure in blind.groupby("measure", sort=False):
        by_reason = of_measure.groupby("why", sort=False)["language"].agg(list)
        named = "; ".join(f"{listed(languages)}: {why}" for why, languages in by_reason.items())
        parts.append(f"{MEASURE_LABELS.get(str(measure), str(measure))} ({named})")
    return f"By the table signal, these cannot tell models apart: {', '.join(parts)}."
