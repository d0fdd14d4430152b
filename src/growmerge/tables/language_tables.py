"""The tables `by_language` and `means` on disk, from one table of scores."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from growmerge.artifacts import verify
from growmerge.frames import write_frame
from growmerge.tables.by_language import by_language, by_language_markdown
from growmerge.tables.means import means, means_markdown
from growmerge.tables.summary import over_all_seeds


def write_language_tables(
    scores: Path, folder: Path, *, languages: Sequence[str], setups: Sequence[str], methods: Sequence[str]
) -> None:
    """by_language and means of the table `scores`, in `folder`: .parquet, .csv, .md and a manifest for each.

    Of replicates, they hold the means over seeds.
    """
    start = time.monotonic()
    verify(scores)
    cells = by_language(over_all_seeds(pd.read_parquet(scores)), languages, setups, methods)
    averages = means(cells)
    config = {"languages": list(languages), "setups": list(setups), "methods": list(methods)}
    folder.mkdir(parents=True, exist_ok=True)
    for name, table, text in (
        ("by_language", cells, by_language_markdown(cells)),
        ("means", averages, means_markdown(averages, cells)),
    ):
        (folder / f"{name}.md").write_text(text, encoding="utf-8")
        write_frame(table, folder / f"{name}.parquet", [scores], config, {}, start, [f"{name}.md"])
