# The validated study, its grid and layout: what the rules share. Logic belongs into src/growmerge.

import os
import sys
from dataclasses import asdict
from pathlib import Path

SOURCE = str(Path(str(workflow.current_basedir)).resolve().parents[1] / "src")
sys.path.insert(0, SOURCE)
# Scripts run in processes (and, with --sdm conda, environments) of their own.
os.environ.update(PYTHONPATH=os.pathsep.join(filter(None, [SOURCE, os.getenv("PYTHONPATH")])))

from growmerge.config import validate
from growmerge.errors import GrowmergeError
from growmerge.grid import Grid
from growmerge.layout import DOWNLOADS, Layout
from growmerge.resources import inference_memory, training_memory

try:
    STUDY = validate(config, [Path(file) for file in workflow.configfiles])
    GRID = Grid(STUDY)
    LAYOUT = Layout(STUDY, GRID)
    LAYOUT.check_sources()
except GrowmergeError as error:
    raise WorkflowError(str(error)) from None

RESULTS = LAYOUT.results
LOGS = f"{RESULTS}/logs"
TIMES = f"{RESULTS}/times"
