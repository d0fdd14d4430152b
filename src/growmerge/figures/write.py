"""A figure on disk: PDF, PNG, the CSV it was drawn from, its caption, and a manifest for all of them."""

from __future__ import annotations

import time
from pathlib import Path

import pandas as pd

from growmerge.artifacts import elapsed, verify, write_manifest
from growmerge.config.analysis import Analysis
from growmerge.figures import FIGURES, Selection, save_figure
from growmerge.figures.findings import finding
from growmerge.figures.over_training import over_training_finding
from growmerge.figures.series import series_finding
from growmerge.figures.sharing import sharing_finding
from growmerge.ids import MEAN

# What a figure shows, where that follows from what is plotted.
FINDINGS = {"over_training": over_training_finding, "series": series_finding, "sharing": sharing_finding}


def write_figure(name: str, table: Path, pdf: Path, selection: Selection, analysis: Analysis, *, study: str) -> None:
    """Draw the figure `name` from the Parquet `table` into `pdf` and its siblings (.png, .csv, .md, .manifest.json).

    The caption (.md) has a second paragraph where there is something to say of what the figure shows.
    """
    start = time.monotonic()
    verify(table)
    figure = FIGURES[name]
    data = figure.data(pd.read_parquet(table), selection)
    pdf.parent.mkdir(parents=True, exist_ok=True)
    data.to_csv(pdf.with_suffix(".csv"), index=False)
    save_figure(figure.draw(data), pdf, pdf.with_suffix(".png"), dpi=analysis.dpi)
    shown = data["measure"].unique() if "measure" in data else []
    measures = [measure for measure in shown if measure not in ("", MEAN)]
    caption = figure.caption(selection, analysis, study=study, measures=measures)
    if found := FINDINGS[name](data) if name in FINDINGS else finding(name, table, selection):
        caption += f"\n\n**What it shows.** {found}"
    pdf.with_suffix(".md").write_text(caption + "\n", encoding="utf-8")
    write_manifest(
        pdf.with_suffix(".manifest.json"),
        [pdf.with_suffix(suffix).name for suffix in (".pdf", ".png", ".csv", ".md")],
        inputs=[table],
        config=analysis.model_dump(),
        seconds=elapsed(start),
    )
