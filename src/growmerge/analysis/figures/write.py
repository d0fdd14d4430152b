"""A figure on disk: PDF, PNG, the CSV it was drawn from, its caption, and a manifest for all of them."""

from __future__ import annotations

import time
from pathlib import Path

import pandas as pd

from growmerge.analysis.figures import FIGURES, Selection, save_figure
from growmerge.artifacts import elapsed, verify, write_manifest
from growmerge.config.schema import Analysis


def write_figure(name: str, table: Path, pdf: Path, selection: Selection, analysis: Analysis, *, study: str) -> None:
    """Draw the figure `name` from the Parquet `table` into `pdf` and its siblings (.png, .csv, .md, .manifest.json)."""
    start = time.monotonic()
    verify(table)
    figure = FIGURES[name]
    data = figure.data(pd.read_parquet(table), selection)
    pdf.parent.mkdir(parents=True, exist_ok=True)
    data.to_csv(pdf.with_suffix(".csv"), index=False)
    save_figure(figure.draw(data), pdf, pdf.with_suffix(".png"), dpi=analysis.dpi)
    caption = figure.caption(selection, analysis, study=study)
    pdf.with_suffix(".md").write_text(caption + "\n", encoding="utf-8")
    write_manifest(
        pdf.with_suffix(".manifest.json"),
        [pdf.with_suffix(suffix).name for suffix in (".pdf", ".png", ".csv", ".md")],
        inputs=[table],
        config=analysis.model_dump(),
        seconds=elapsed(start),
    )
