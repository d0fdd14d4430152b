"""The tables `by_language` and `means` on disk, from one table of scores."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from growmerge.artifacts import verify
from growmerge.frames import write_frame
from growmerge.tables.by_language import by_language, by_language_markdown
from growmerge.tables.means import means, means_markdown, shares_of_gap
from growmerge.tables.summary import over_all_seeds


def write_language_tables(
    scores: Path,
    folder: Path,
    *,
    languages: Sequence[str],
    setups: Sequence[str],
    methods: Sequence[str],
    gap: Path | None = None,
) -> None:
    """by_language and means of the table `scores`, in `folder`: .parquet, .csv, .md and a manifest for each.

    `gap` is the table of shares of the gap to joint training, which stand next to the means. Replicates
    are there as their means over seeds.
    """
    start = time.monotonic()
    read = [scores, *([gap] if gap else [])]
    for path in read:
        verify(path)
    cells = by_language(over_all_seeds(pd.read_parquet(scores)), languages, setups, methods)
    averages = means(cells)
    averages["share"] = shares_of_gap(cells, averages, None if gap is None else pd.read_parquet(gap))
    config = {"languages": list(languages), "setups": list(setups), "methods": list(methods)}
    folder.mkdir(parents=True, exist_ok=True)
    for name, table, text, sources in (
        ("by_language", cells, by_language_markdown(cells), [scores]),
        ("means", averages, means_markdown(averages, cells), read),
    ):
        (folder / f"{name}.md").write_text(text, encoding="utf-8")
        write_frame(table, folder / f"{name}.parquet", sources, config, {}, start, [f"{name}.md"])
