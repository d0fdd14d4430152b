"""How much a study downloads. Pure: nothing is asked of a hub."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from growmerge.config.corpora import ArchiveSource, Corpus, HubSource
from growmerge.config.references import names_a_path
from growmerge.study.costs import Costs
from growmerge.study.duration import readable_time
from growmerge.study.gated import gated_line
from growmerge.study.layout import DOWNLOADS
from growmerge.study.plan_report import readable_bytes
from growmerge.study.plan_rows import TEXT_BYTES_A_TOKEN, Row

HUB = "hub:"
# "Roughly 100-200 milliseconds" for small objects (Amazon S3 user guide, "Performance design patterns").
REQUEST_SECONDS = 0.2


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
        if row.kind == "shards" and _from_elsewhere(costs.grid.study.corpus(row.id)):
            text += round(row.tokens * TEXT_BYTES_A_TOKEN)
        elif row.kind != "score" and grid.imported.get(row.id, "").startswith(HUB):
            models += row.disk_bytes
    packages = [p for p in grid.study.packages if not Path(DOWNLOADS, f"{p.name}-{p.version}").exists()]
    return Downloads(text, models, len(packages))


def _from_elsewhere(corpus: Corpus) -> bool:
    return any(
        isinstance(source, ArchiveSource) or (isinstance(source, HubSource) and not names_a_path(source.dataset))
        for source in corpus.sources
    )


def requests(rows: Sequence[Row], costs: Costs) -> dict[str, int]:
    """How many files are still to be fetched one by one, by corpus: as many as it is expected to have documents."""
    found: Counter[str] = Counter()
    for row in rows:
        if row.kind == "shards" and not row.built:
            corpus = costs.grid.study.corpus(row.id)
            if any(isinstance(source, ArchiveSource) for source in corpus.sources):
                found[corpus.name] += costs.count(row.id).documents
    return dict(found)


def _request_line(name: str, count: int, costs: Costs) -> str:
    corpus = costs.grid.study.corpus(name)
    at_once = min(source.at_once for source in corpus.sources if isinstance(source, ArchiveSource))
    time = readable_time(count / corpus.shards / at_once * REQUEST_SECONDS)
    return (
        f"Corpus `{name}`: {count:,} files of Software Heritage, a request each, in {corpus.shards} jobs with "
        f"{at_once} requests at a time; {time} a job at {REQUEST_SECONDS:g} seconds a request."
    )


def download_lines(rows: Sequence[Row], costs: Costs) -> list[str]:
    """The section of the report."""
    found = downloads(rows, costs)
    return [
        "## Downloads",
        "",
        f"Still to be downloaded: {readable_bytes(found.text + found.models)}, {readable_bytes(found.text)} of it text "
        f"and {readable_bytes(found.models)} models, and {found.packages} packages. Not counted: benchmarks "
        "and packages, whose sizes are not stated; and text that is read and then left out.",
        *(line for name, count in requests(rows, costs).items() for line in ("", _request_line(name, count, costs))),
        "",
        gated_line(costs.grid) or "Gated: nothing that is known.",
    ]
