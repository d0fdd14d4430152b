# The validated study, its grid and layout: what the rules share. Logic belongs into src/growmerge.

import gc
import os
import sys
from dataclasses import asdict
from pathlib import Path

# Snakemake makes millions of objects that stay: to go through them at every 700 new ones takes a tenth of a dry-run.
gc.set_threshold(1_000_000, 50, 50)

SOURCE = str(Path(str(workflow.current_basedir)).resolve().parents[1] / "src")
sys.path.insert(0, SOURCE)
# Scripts run in processes (and, with --sdm conda, environments) of their own.
os.environ.update(PYTHONPATH=os.pathsep.join(filter(None, [SOURCE, os.getenv("PYTHONPATH")])))

from growmerge.comparing.statistics import added_statistics
from growmerge.config import check_local, validate
from growmerge.config.yaml_files import check_file
from growmerge.study.costs import Costs, check_continued, check_saved_steps, stated_counts
from growmerge.errors import GrowmergeError
from growmerge.figures import FIGURES
from growmerge.producers import search_producers_once
from growmerge.scheduler import look_only_after_changes
from growmerge.slurm import outlive_outages
from growmerge.catalogue.benchmarks import VERSION as BENCHMARKS_VERSION
from growmerge.study.floors import counted_corpora
from growmerge.study.grid import Grid
from growmerge.study.layout import DOWNLOADS, Layout
from growmerge.study.matching import match_compute
from growmerge.study.recipe import Recipes
from growmerge.study.resources import inference_memory, training_gpus, training_memory, training_minutes
from growmerge.study.resources import ensemble_memory, ensemble_minutes, escalate, merging_minutes, scoring_minutes
from growmerge.study.resources import merging_memory, tuning_memory
from growmerge.study.shown import Shown
from growmerge.study.tabulated import Tabulated
from growmerge.study.wildcards import constraints, one_of, setups_merged_by_all

outlive_outages()
look_only_after_changes()
search_producers_once()

DEFAULTS = "config/config.yaml"
try:
    check_file(Path(DEFAULTS))  # Snakemake's own message names neither file nor line
except GrowmergeError as error:
    raise WorkflowError(str(error)) from None


configfile: DEFAULTS


try:
    # Snakemake lists the files of --configfile first, though they go over the others.
    overlays = list(map(Path, workflow.config_settings.configfiles))
    files = [file for file in map(Path, workflow.configfiles) if file not in overlays] + overlays
    STUDY = validate(config, files, workflow.config_settings.config)
    config.update(STUDY.model_dump(mode="json"))  # for scripts and the report: lists extended, languages in full
    check_local(STUDY, files, workflow.config_settings.config)
    GRID = Grid(STUDY)
    RECIPES = Recipes(GRID)
    LAYOUT = Layout(STUDY, GRID)
    LAYOUT.check_sources()
    COSTS = Costs(GRID, stated_counts(STUDY))
    MATCHES = match_compute(COSTS, STUDY.analysis.matching_bound)
    check_saved_steps(COSTS)
    check_continued(COSTS)
    ADDED_STATISTICS = dict(added_statistics())
except GrowmergeError as error:
    raise WorkflowError(str(error)) from None

# What figures and tables choose their models from; and the intermediate checkpoints that are scored, to be compared by
# compute, to see what training brings, or to see how noisy scores are.
SHOWN = Shown(COSTS, MATCHES)
CHECKPOINTS = SHOWN.checkpoints
SCORED = SHOWN.scored
TABULATED = Tabulated(SHOWN, FIGURES, compared=bool(LAYOUT.comparisons()))

# How what benchmarks ask for is generated, where they do; and the files of scores, which then are two.
DECODING = {b.name: asdict(decoding) for b in STUDY.benchmarks if (decoding := b.decoding(STUDY.seed))}
SCORES = ["items.parquet", *(["translations.parquet"] if DECODING else [])]

RESULTS = LAYOUT.results
LOGS = f"{RESULTS}/logs"
TIMES = f"{RESULTS}/times"
