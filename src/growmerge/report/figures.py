"""The figures of the study as the page shows them."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable
from pathlib import Path

from growmerge.artifacts import verify
from growmerge.report.page import ShownFigure

FINDING = "**What it shows.** "  # begins the second paragraph of a caption, see `growmerge.figures.common.write`


def figures(names: Iterable[str], results: Path) -> list[ShownFigure]:
    """Those of `names` that are drawn. Raises GrowmergeError for one whose files differ from its manifest."""
    return [_figure(name, results) for name in names if (results / f"figures/{name}.svg").exists()]


def _figure(name: str, results: Path) -> ShownFigure:
    path = results / f"figures/{name}.svg"
    verify(path, only={f"{name}.{suffix}" for suffix in ("svg", "csv", "md")})
    caption, _, finding = path.with_suffix(".md").read_text(encoding="utf-8").strip().partition(f"\n\n{FINDING}")
    # An image of its own, so that the ids of one drawing cannot be taken for those of another.
    image = b64encode(path.read_bytes()).decode("ascii")
    return ShownFigure(
        name,
        f"data:image/svg+xml;base64,{image}",
        caption,
        finding,
        f"figures/{name}.csv",
        f"figures/{name}.manifest.json",
    )
