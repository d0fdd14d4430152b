"""What a run says at its end: where its outcome is, what has no scores, and what failed."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from growmerge import ids
from growmerge.study.grid import Grid
from growmerge.study.layout import Layout

MOST_NAMED = 100


class Failed(NamedTuple):
    """A job that failed in its last attempt."""

    rule: str
    wildcards: Sequence[str]
    log: Sequence[str]


def outcome(layout: Layout, made: Collection[str]) -> Iterator[str]:
    """Where the figures and tables are, if this run `made` some of them, and then the report, if there is one."""
    found = [
        f"{name.capitalize()}: {layout.results}/{name}/"
        for name in ("figures", "tables")
        if any(path.startswith(f"{layout.results}/{name}/") for path in made)
    ]
    yield from found
    report = f"{layout.results}/report.html"
    if (found or report in made) and Path(report).exists():
        yield f"Report: {report}"


def without_scores(layout: Layout, grid: Grid) -> Iterator[str]:
    """With analysis.partial, the models that figures and tables leave out, as they have no scores."""
    if not layout.study.analysis.partial:
        return
    missing = [model.id for model in grid if not Path(layout.score(model.id)).exists()]
    if missing:
        names = ", ".join(missing[:MOST_NAMED])
        more = f", and {len(missing) - MOST_NAMED:,} more" if len(missing) > MOST_NAMED else ""
        yield f"{len(missing):,} without scores, left out as analysis.partial says: {names}{more}"


def failures(failed: Collection[Failed]) -> Iterator[str]:
    """The jobs that failed, each with its log."""
    if failed:
        jobs = "1 job" if len(failed) == 1 else f"{len(failed):,} jobs"
        yield f"{jobs} failed; mend the cause and give the same command again, what is made stays made:"
    for job in sorted(failed):
        name = " ".join(filter(None, [job.rule, ids.SLASH.join(job.wildcards)]))
        yield f"  {name}: see {', '.join(job.log)}" if job.log else f"  {name}"
