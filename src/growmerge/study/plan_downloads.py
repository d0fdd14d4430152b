"""How much a study downloads. Pure: nothing is asked of a hub."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from growmerge.config.corpora import HubSource
from growmerge.config.references import names_a_path
from growmerge.study.costs import Costs
from growmerge.study.layout import DOWNLOADS
from growmerge.study.plan_report import readable_bytes
from growmerge.study.plan_rows import TEXT_BYTES_A_TOKEN, Row

HUB = "hub:"


class Downloads(NamedTuple):
    """What is not there yet: bytes of text and of models of the hub, and the number of packages."""

    text: int
    models: int
    packages: int


def downloads(rows: Sequence[Row], costs: Costs) -> Downloads:
    """Text by its expected tokens, compressed as the hub has it; models by the weights that they have here."""
    grid = costs.grid
    text = models = 0
    for row in rows:
        if row.built:
            continue
        if row.kind == "shards" and _from_the_hub(row.id, costs):
            text += round(row.tokens * TEXT_BYTES_A_TOKEN)
        elif row.kind != "score" and grid.imported.get(row.id, "").startswith(HUB):
            models += row.disk_bytes
    packages = [p for p in grid.study.packages if not Path(DOWNLOADS, f"{p.name}-{p.version}").exists()]
    return Downloads(text, models, len(packages))


def _from_the_hub(part: str, costs: Costs) -> bool:
    sources = costs.grid.study.corpus(part).sources
    return any(isinstance(source, HubSource) and not names_a_path(source.dataset) for source in sources)


def download_lines(rows: Sequence[Row], costs: Costs) -> list[str]:
    """The section of the report."""
    found = downloads(rows, costs)
    return [
        "## Downloads",
        "",
        f"Still to be downloaded: {readable_bytes(found.text + found.models)}, {readable_bytes(found.text)} of it text "
        f"of the hub and {readable_bytes(found.models)} models, and {found.packages} packages. Not counted: benchmarks "
        "and packages, whose sizes are not stated; and text that is read and then left out.",
    ]
