"""How many files a study has in the end: many clusters limit their number. Pure, without torch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from growmerge import ids
from growmerge.study.costs import Costs
from growmerge.study.plan_rows import Row

# The weights, two files of configuration, two of the tokenizer, the training's log, manifest and card.
MODEL_FILES = 8
JOB_FILES = 2  # its log and its times
# Next to the tables of scores; only models that are kept have a summary (results.json).
MANIFEST, SUMMARY = 1, 1


class Files(NamedTuple):
    """Files of models and scores, of the jobs that score, and Snakemake's records of scores (one for each table)."""

    models: int
    scores: int
    jobs: int
    records: int


def count_files(rows: Sequence[Row], costs: Costs) -> Files:
    """The files of a plan, without those of text: a few for each shard and benchmark, whatever is merged."""
    grid = costs.grid
    study = grid.study
    translated = any(benchmark.decoding(study.seed) for benchmark in study.benchmarks)
    temporary = set() if study.merging.keep else {merge.id for merge in grid.merges} - grid.kept.keys()
    trained = {model.id for model in grid.trained}
    models = scores = records = 0
    jobs = set()
    for row in rows:
        if row.kind == "score":
            tables = 2 if translated and ids.short_name(row.id) != ids.ENSEMBLE else 1
            scores += tables + MANIFEST + (0 if row.id in temporary else SUMMARY)
            records += tables
            jobs.add(row.job)
        elif row.path and row.parameters and row.kind != "coefficients":
            checkpoints = len(costs.saved_steps(row.id)) if row.id in trained else 1
            models += MODEL_FILES * checkpoints
    return Files(models, scores, JOB_FILES * len(jobs), records)


def files_line(rows: Sequence[Row], costs: Costs) -> str:
    """The line of the report."""
    files = count_files(rows, costs)
    return (
        f"Files: {sum(files):,}, without those of text: {files.models:,} of models, {files.scores:,} of scores, "
        f"{files.jobs:,} logs and times of scoring, and {files.records:,} records of Snakemake "
        "(none with `--persistence-backend db`, see docs/cluster.md)."
    )
