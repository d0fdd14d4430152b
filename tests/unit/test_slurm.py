"""What is known of Slurm's words. `tests/slurm/` shows the executor on a real Slurm, in real outages."""

import os
from types import SimpleNamespace

import pytest
from snakemake_interface_executor_plugins.executors.base import SubmittedJobInfo
from snakemake_interface_executor_plugins.registry import ExecutorPluginRegistry

from growmerge.slurm import AWAY, ENDS_BY_ITSELF, Patient, has_made_its_outputs, outlive_outages


@pytest.mark.parametrize(
    "message",
    [
        "sbatch: error: Batch job submission failed: Unable to contact slurm controller (connect failure)",
        "sbatch: error: Batch job submission failed: Socket timed out on send/recv operation",
        "sbatch: error: Batch job submission failed: Zero Bytes were transmitted or received",
        "Job submission failed with exception: Failed to run sinfo for retrieval of cluster partitions: "
        "slurm_load_partitions: Unable to contact slurm controller (connect failure)",
    ],
)
def test_a_submission_without_a_controller_is_told_from_one_that_is_refused(message):
    assert AWAY.search(message)


@pytest.mark.parametrize(
    "message",
    [
        "sbatch: error: Batch job submission failed: Requested node configuration is not available",
        "sbatch: error: Batch job submission failed: Invalid account or account/partition combination specified",
        "The given account mine appears to be invalid.",
    ],
)
def test_a_refused_submission_is_not_taken_for_an_outage(message):
    assert not AWAY.search(message)


@pytest.mark.parametrize(
    ("reason", "silent"),
    [
        ("Priority", True),
        ("Resources", True),
        ("BeginTime", True),  # what was requeued
        ("QOSMaxJobsPerUserLimit", True),
        ("AssocGrpCpuLimit", True),
        ("QOSMaxCpuPerJobLimit", False),
        ("AssocGrpCPUMinutesLimit", False),  # the budget is used up
        ("QOSNotAllowed", False),
        ("PartitionDown", False),
        ("PartitionTimeLimit", False),
        ("JobHeldAdmin", False),
        ("ReqNodeNotAvail, UnavailableNodes:n1", False),
        ("Job's account not known, so it can't use this partition (gpu allows other)", False),
    ],
)
def test_reasons_that_may_never_end_are_told(reason, silent):
    assert bool(ENDS_BY_ITSELF.fullmatch(reason)) == silent


def test_a_lost_job_counts_as_done_only_if_it_has_made_all_its_outputs(tmp_path):
    outputs = [tmp_path / "model", tmp_path / "scores"]
    for output in outputs:
        output.touch()
        os.utime(output, (200, 200))

    def made(submitted):
        return has_made_its_outputs(SubmittedJobInfo(SimpleNamespace(output=outputs), "7", {"submitted": submitted}))

    assert made(100)
    assert not made(300), "these are of an earlier run"
    os.utime(outputs[0], (50, 50))
    assert not made(100), "one is of an earlier run"
    outputs[0].unlink()
    assert not made(100), "one is missing"


def test_the_executor_that_outlives_outages_stands_in_front_of_the_plugins_once():
    plugin = ExecutorPluginRegistry().get_plugin("slurm")
    before = plugin.executor
    try:
        outlive_outages()
        outlive_outages()
        assert plugin.executor.__mro__[1:3] == (Patient, before)
    finally:
        plugin.executor = before
