"""The plan of a study: what everything costs and what of it is built, written as a table and a report."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from growmerge.artifacts import write_atomically
from growmerge.config import Study
from growmerge.disk import bytes_under, free_bytes
from growmerge.errors import GrowmergeError
from growmerge.study.costs import Costs, stated_counts
from growmerge.study.counted import counted_files
from growmerge.study.grid import Grid
from growmerge.study.layout import Layout
from growmerge.study.matching import Match, compared_models, match_compute
from growmerge.study.plan_downloads import download_lines
from growmerge.study.plan_report import missing_disk, plan_csv, plan_markdown, readable_bytes
from growmerge.study.plan_rows import Row, built_counts, plan_rows
from growmerge.study.plan_time import Timing, time_lines, timing
from growmerge.study.plan_unimax import changed_models

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Planned:
    """The rows of a plan, what they are counted with, and the bytes that are free and begun where the results lie."""

    rows: Sequence[Row]
    costs: Costs
    matches: Sequence[Match]
    free: int
    begun: int

    @property
    def flops(self) -> dict[str, float]:
        """Path -> FLOPs of what makes it, of all models, coefficients and scores."""
        return {row.path: row.flops for row in self.rows if row.path}


def write_plan(study: Study, folder: Path) -> None:
    """Write plan.csv and plan.md into `folder`, and log the latter.

    Token shards that are built are counted as they are, others as the configuration expects them, and local files of
    which it expects nothing by their beginnings. Raises
    GrowmergeError for a corpus of unknown size; with plan.strict, also if what is not built yet does not fit.
    """
    plan = _plan(study)
    changed = changed_models(Layout(study, plan.costs.grid), plan.costs)
    report = plan_markdown(plan.rows, plan.costs, plan.matches, plan.free, plan.begun, changed)
    time = timing(plan.rows, plan.costs, study.plan.gpus)
    report += "\n" + "\n".join([*time_lines(time, study.plan.gpus), "", *download_lines(plan.rows, plan.costs)]) + "\n"
    write_atomically(folder / "plan.csv", plan_csv(plan.rows, plan.costs))
    write_atomically(folder / "plan.md", report)
    logger.info("%s\n%s and %s", report, folder / "plan.csv", folder / "plan.md")
    if study.plan.strict and (excess := _excess(study, plan, time)):
        raise GrowmergeError(f"{folder / 'plan.md'}: the study does not fit: {' and '.join(excess)}")


def _excess(study: Study, plan: Planned, time: Timing) -> list[str]:
    """What the study needs more of than there is."""
    excess = []
    if missing := missing_disk(plan.rows, keep_merges=study.merging.keep, begun=plan.begun, free=plan.free):
        excess.append(f"{readable_bytes(missing)} of disk are missing")
    limit = study.plan.hours
    if limit is not None and time.hours > limit:
        excess.append(
            f"it takes {time.hours:,.4g} hours on {study.plan.gpus} GPUs, more than plan.hours = {limit:g} "
            f"(the longest chain of jobs alone takes {time.chain_hours:,.4g})"
        )
    return excess


def plan_of(study: Study) -> Planned | None:
    """The plan of a study that is about to run; None if a corpus has no known size."""
    try:
        return _plan(study)
    except GrowmergeError as error:
        logger.info("what the study takes is not known: %s", error)
        return None


def refuse_without_room(study: Study, plan: Planned) -> None:
    """Raise GrowmergeError if what is not built yet needs more disk than is free where the results lie."""
    missing = missing_disk(plan.rows, keep_merges=study.merging.keep, begun=plan.begun, free=plan.free)
    if missing:
        results = Path(Layout(study, plan.costs.grid).results)
        raise GrowmergeError(
            f"{results}: the study does not fit on this disk ({results.resolve()}): it needs "
            f"{readable_bytes(plan.free + missing)} more at its peak, {readable_bytes(plan.free)} are free, "
            f"{readable_bytes(missing)} are missing. Free some space, or make {results.parent} a link to a larger "
            "disk; `snakemake plan` lists what takes how much. Set plan.check_disk to false to begin all the same"
        )


def _plan(study: Study) -> Planned:
    grid = Grid(study)
    layout = Layout(study, grid)
    # The checkpoints that are compared follow from the configuration alone, also when other sizes are known by now.
    stated = Costs(grid, stated_counts(study))
    matches = match_compute(stated, study.analysis.matching_bound)
    matched = [model for model in compared_models(matches, stated) if model.kind == "checkpoint"]
    parts = [name for corpus in study.corpora for name in corpus.names]
    costs = Costs(grid, counted_files(study) | stated_counts(study) | built_counts(layout, parts))
    rows = plan_rows(grid, layout, costs, matched)
    return Planned(rows, costs, matches, free_bytes(Path(layout.results)), begun_bytes(rows, layout))


def begun_bytes(rows: Sequence[Row], layout: Layout) -> int:
    """Bytes that lie there of artifacts that are not built: states of trainings, some shards of a corpus."""
    parts = [row.id for row in rows if row.kind == "shards" and not row.built]
    tokens = {Path(layout.shards(part)[0]).parent for part in parts}
    documents = {Path(layout.documents(part)[0]).parent for part in parts}
    return sum(map(bytes_under, {Path(layout.results) / "work", *tokens, *documents}))
