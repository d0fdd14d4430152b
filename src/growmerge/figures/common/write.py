"""A figure on disk: PDF, PNG, SVG, the CSV it was drawn from, its caption, and a manifest for all of them."""

from __future__ import annotations

import time
from pathlib import Path

import pandas as pd

from growmerge.artifacts import elapsed, verify, write_manifest
from growmerge.config.analysis import Analysis
from growmerge.errors import GrowmergeError
from growmerge.figures import FIGURES
from growmerge.figures.common.figure import Drawn
from growmerge.figures.common.selection import Selection
from growmerge.figures.common.style import save_figure
from growmerge.ids import MEAN
from growmerge.tables.summary import over_all_seeds


def write_figure(
    name: str,
    table: Path,
    pdf: Path,
    selection: Selection,
    analysis: Analysis,
    *,
    study: str,
    contrasts: Path | None = None,
    signal: Path | None = None,
) -> None:
    """Draw the figure `name` from the Parquet `table` into `pdf` and its siblings.

    These are .png, .svg, .csv, .md and .manifest.json.

    `contrasts` is the table of the contrasts that the figure asks for (`Figure.contrasts`), if there are any; `signal`
    that of what benchmarks can tell (`Figure.signal`).
    The caption (.md) has a second paragraph where there is something to say of what the figure shows.
    Raises GrowmergeError if the table has nothing to draw, as no model is scored yet (`analysis.partial`).
    """
    start = time.monotonic()
    figure = FIGURES[name]
    inputs = [table, *(path for path in (contrasts, signal) if path)]
    for path in inputs:
        verify(path)
    data = figure.data(over_all_seeds(pd.read_parquet(table)), selection)
    if data.empty:
        raise GrowmergeError(f"{table}: no model of the figure '{name}' has scores yet; score one of them first")
    pdf.parent.mkdir(parents=True, exist_ok=True)
    data.to_csv(pdf.with_suffix(".csv"), index=False)
    save_figure(figure.drawn(data, selection.names), pdf, pdf.with_suffix(".png"), dpi=analysis.dpi)
    measures = [m for m in data["measure"].unique() if m not in ("", MEAN)] if "measure" in data else None
    caption = figure.text(selection, analysis, study=study, measures=measures)
    found = figure.finding(Drawn(data, table, selection, contrasts, signal)) if figure.finding else ""
    if found:
        caption += f"\n\n**What it shows.** {found}"
    pdf.with_suffix(".md").write_text(caption + "\n", encoding="utf-8")
    write_manifest(
        pdf.with_suffix(".manifest.json"),
        [pdf.with_suffix(suffix).name for suffix in (".pdf", ".png", ".svg", ".csv", ".md")],
        inputs=inputs,
        config=analysis.model_dump(),
        seconds=elapsed(start),
    )
