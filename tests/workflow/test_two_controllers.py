"""A training that goes on after its Snakemake was killed: the next one does not start it a second time."""

import subprocess
import sys

import pytest

from workflow.snakemake import LAPTOP, copy_of_the_repository, snakemake

pytestmark = pytest.mark.workflow
TRAINS = """
import sys
from pathlib import Path
from growmerge.training.lease import sole_trainer
with sole_trainer(Path(sys.argv[1])):
    print("trains", flush=True)
    sys.stdin.read()
"""


@pytest.mark.slow
def test_what_is_still_being_trained_is_not_trained_again(tmp_path):
    clone = copy_of_the_repository(tmp_path)
    arguments = [sys.executable, "-c", TRAINS, clone / "results/miniature/work/seed"]
    with subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as training:
        training.stdout.readline()
        output = snakemake(clone, "results/miniature/models/1x/swe", *LAPTOP, fails=True)
        assert f"training what this one would train: seed by process {training.pid} on" in output
        assert f"(`kill {training.pid}`)" in output
        assert "Traceback" not in output
        assert not (clone / "results/miniature/logs").exists()
        snakemake(clone, "plan", *LAPTOP)
