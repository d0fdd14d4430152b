# The validated study, its grid, and the paths that the rules share. Keep it thin: logic belongs into src/growmerge.

import glob
import os
import sys
from pathlib import Path

SOURCE = str(Path(workflow.basedir).resolve() / "src")
if not Path(SOURCE).exists():  # included from workflow/Snakefile
    SOURCE = str(Path(workflow.basedir).resolve().parent / "src")
sys.path.insert(0, SOURCE)
# Scripts run in processes (and, with --sdm conda, environments) of their own.
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [SOURCE, os.environ.get("PYTHONPATH")]))

from growmerge.config import validate
from growmerge.errors import GrowmergeError
from growmerge.grid import SEPARATOR, Grid
from growmerge.models.cost import parameters

try:
    STUDY = validate(config, [Path(file) for file in workflow.configfiles])
except GrowmergeError as error:
    raise WorkflowError(str(error)) from None

GRID = Grid(STUDY)
RESULTS = f"results/{STUDY.study}"
DOWNLOADS = "results/downloads"  # shared by all studies
LOGS = f"{RESULTS}/logs"
TIMES = f"{RESULTS}/benchmarks-of-rules"


def model_folder(model_id):
    return f"{RESULTS}/models/{model_id}"


def score_of(model_id):
    return f"{RESULTS}/scores/{model_id}/items.parquet"


def documents_of(corpus):
    """The documents folder of a corpus or of a part of one."""
    return f"{RESULTS}/documents/{STUDY.corpus(corpus).name}"


def shards_of(part):
    """The token shards of a corpus (or part), each a job."""
    count = STUDY.corpus(part).shards
    return [f"{RESULTS}/tokens/{part}/{shard + 1}-of-{count}" for shard in range(count)]


def benchmark_folders():
    return [f"{RESULTS}/benchmarks/{benchmark}/{language}" for benchmark, language in GRID.score_cells]


def parameters_of(width):
    return parameters(STUDY.architecture, STUDY.tokenizer.vocab_size, width)


def training_memory(width):
    """MB: weights, gradients and two moments in fp32, and the process itself; more at every attempt."""
    return lambda wildcards, attempt: int(attempt * (3000 + parameters_of(width(wildcards)) * 16 / 1e6 * 1.5))


def inference_memory(models):
    """MB: so many models in fp32, and the process itself; more at every attempt."""
    widest = max(model.width for model in GRID)
    return lambda wildcards, attempt: int(attempt * (3000 + models * parameters_of(widest) * 4 / 1e6))


MODEL_FOLDERS = [model_folder(model.id) for model in [*GRID.bases, *GRID.models]]
