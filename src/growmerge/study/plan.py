"""The plan of a study: what everything costs and what of it is built, written as a table and a report."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path

from growmerge.artifacts import write_atomically
from growmerge.config import Study
from growmerge.study.costs import Costs, stated_counts
from growmerge.study.grid import Grid
from growmerge.study.layout import Layout
from growmerge.study.matching import compared_models, match_compute
from growmerge.study.plan_report import plan_csv, plan_markdown
from growmerge.study.plan_rows import built_counts, plan_rows

logger = logging.getLogger(__name__)


def write_plan(study: Study, folder: Path) -> None:
    """Write plan.csv and plan.md into `folder`, and log the latter.

    Token shards that are built are counted as they are, others as the configuration expects them. Raises
    GrowmergeError for a corpus of unknown size.
    """
    grid = Grid(study)
    layout = Layout(study, grid)
    # The checkpoints that are compared follow from the configuration alone, also when other sizes are known by now.
    stated = Costs(grid, stated_counts(study))
    matches = match_compute(stated, study.analysis.matching_bound)
    matched = [model for model in compared_models(matches, stated) if model.kind == "checkpoint"]
    parts = [name for corpus in study.corpora for name in corpus.names]
    costs = Costs(grid, stated_counts(study) | built_counts(layout, parts))
    rows = plan_rows(grid, layout, costs, matched)
    report = plan_markdown(rows, costs, matches, shutil.disk_usage(Path.cwd()).free)
    write_atomically(folder / "plan.csv", plan_csv(rows, costs))
    write_atomically(folder / "plan.md", report)
    logger.info("%s\n%s and %s", report, folder / "plan.csv", folder / "plan.md")
