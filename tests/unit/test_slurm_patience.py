"""What the executor decides from Slurm's answers, which scripts give here. `tests/slurm/` has the real commands."""

import asyncio
import logging
import subprocess
from types import SimpleNamespace

import pytest
from snakemake_interface_executor_plugins.executors.base import SubmittedJobInfo

from growmerge import slurm
from growmerge.slurm import ANSWERS, Patient, controller_answers

AWAY = "sbatch: error: Batch job submission failed: Unable to contact slurm controller (connect failure)"
UNKNOWN = "slurm_load_jobs error: Invalid job id specified"


class Plugin:
    """What stands behind `Patient`: it asks Slurm for the states of jobs, submits jobs, and reports them to Snakemake.

    `forgets` are ids of jobs that it loses, `ends` those whose end it reports.
    """

    def __init__(self, workflow, logger):
        self.logger, self.run_uuid = logger, "run"
        self._submitted_job_clusters = set()
        self._job_submission_executor = SimpleNamespace(submit=lambda function, *arguments: function(*arguments))
        self.forgets, self.ends, self.submitted, self.failed, self.succeeded = set(), set(), [], [], []

    async def check_active_jobs(self, jobs):
        for job in jobs:
            if job.external_jobid in self.ends:
                self.report_job_success(job)
            elif job.external_jobid not in self.forgets:
                yield job

    def get_status_command(self):
        return "squeue"

    def run_job(self, job):
        self.submitted.append(job.name)

    def report_job_success(self, job_info):
        self.succeeded.append(job_info.external_jobid)

    def report_job_error(self, job_info, msg=None, **more):
        self.failed.append(msg)

    def shutdown(self):
        """Nothing to end."""


class Slurm:
    """Slurm's commands as scripts that say what is set here; `scancel` writes down what it is asked for."""

    def __init__(self, folder, monkeypatch):
        self._folder = folder
        monkeypatch.setenv("PATH", str(folder), prepend=":")
        self.says("scontrol", "Slurmctld(primary) at n1 is UP", error=UNKNOWN)
        self.says("squeue", "")
        self._script("scancel", f'echo "$@" >> {folder}/cancelled')

    def says(self, command, text, *, error="", status=0):
        (self._folder / f"{command}.text").write_text(text + "\n" if text else "")
        self._script(command, f"cat {self._folder}/{command}.text; echo '{error}' >&2; exit {status}")

    def _script(self, command, text):
        (self._folder / command).write_text(f"#!/bin/sh\n{text}\n")
        (self._folder / command).chmod(0o755)

    @property
    def cancelled(self):
        file = self._folder / "cancelled"
        return file.read_text().split() if file.exists() else []


@pytest.fixture
def cluster(tmp_path, monkeypatch):
    (tmp_path / "bin").mkdir()
    monkeypatch.setattr(slurm, "PAUSE", 0.0)
    return Slurm(tmp_path / "bin", monkeypatch)


@pytest.fixture
def executor():
    return type("Executor", (Patient, Plugin), {})(None, logging.getLogger("patience"))


def job(number, tmp_path=None, name="train_base"):
    described = SimpleNamespace(name=name, output=[tmp_path / "absent"] if tmp_path else [], is_group=lambda: False)
    return SubmittedJobInfo(described, number, {"submitted": 0.0})


def ask(executor, *jobs):
    """The ids of the jobs that are still active after one round."""

    async def rounds():
        return [found.external_jobid async for found in executor.check_active_jobs(list(jobs))]

    return asyncio.run(rounds())


def test_a_job_is_lost_only_after_so_many_answers_in_a_row(cluster, executor, tmp_path):
    lost = job("7", tmp_path)
    for _ in range(ANSWERS - 1):
        assert ask(executor, lost) == ["7"]
    cluster.says("squeue", "7|RUNNING|None")
    assert ask(executor, lost) == ["7"]
    cluster.says("squeue", "8|RUNNING|None")
    for _ in range(ANSWERS - 1):
        assert ask(executor, lost) == ["7"], "counted anew"
    assert ask(executor, lost) == []
    assert executor.failed == ["Slurm no longer knows job 7 (train_base), and its outputs are not there. "]


@pytest.mark.parametrize("reason", ["no answer", "scontrol knows it", "another cluster"])
def test_a_job_that_may_be_there_is_never_lost(cluster, executor, tmp_path, reason):
    if reason == "no answer":
        cluster.says("squeue", "", error="slurm_load_jobs error: Socket timed out", status=1)
    elif reason == "scontrol knows it":
        cluster.says("scontrol", "Slurmctld(primary) at n1 is UP")
    else:
        executor._submitted_job_clusters.add("other")
    for _ in range(ANSWERS + 2):
        assert ask(executor, job("7", tmp_path)) == ["7"]
    assert executor.failed == []


def test_a_reason_that_may_never_end_is_told_once_if_it_stays(cluster, executor, caplog):
    waiting = "7|PENDING|PartitionDown"
    for text in (*[waiting] * (ANSWERS - 1), "7|PENDING|Priority", *[waiting] * (ANSWERS - 1)):
        cluster.says("squeue", text)
        ask(executor, job("7"))
    assert "does not start" not in caplog.text
    for _ in range(3):
        cluster.says("squeue", waiting)
        ask(executor, job("7"))
    assert caplog.text.count("Slurm does not start jobs 7 (train_base). Its reason: PartitionDown") == 1


def test_the_reason_of_a_job_that_runs_is_not_told(cluster, executor, caplog):
    cluster.says("squeue", "7|RUNNING|PartitionDown")
    for _ in range(ANSWERS + 1):
        ask(executor, job("7"))
    assert "does not start" not in caplog.text


def test_jobs_that_the_plugin_forgets_stay_and_those_that_it_reported_do_not(cluster, executor, caplog):
    executor.forgets, executor.ends = {"7"}, {"8"}
    assert ask(executor, job("7"), job("8")) == ["7"]
    assert executor.succeeded == ["8"]
    assert "Slurm does not answer" in caplog.text
    caplog.clear()
    executor.forgets, executor.ends = set(), {"9"}
    assert ask(executor, job("7"), job("9")) == ["7"]
    assert "Slurm answers again" in caplog.text
    assert "does not answer" not in caplog.text, "a job that has ended was not forgotten"


def test_a_submission_without_a_controller_is_made_again_and_its_twin_cancelled(cluster, executor):
    cluster.says("squeue", "5|rule_train_base\n6|rule_train_base_wildcards_1x")
    executor.report_job_error(job(None), AWAY)
    assert executor.submitted == ["train_base"]
    assert executor.failed == []
    assert cluster.cancelled == ["5"], "jobs of the rule with other wildcards go on"


def test_other_errors_fail_a_job(cluster, executor):
    executor.report_job_error(job(None), "Invalid account")
    executor.report_job_error(job("7"), AWAY)  # it ran: what it printed is no answer of sbatch
    assert executor.failed == ["Invalid account", AWAY]
    assert executor.submitted == []


def test_nothing_is_submitted_while_the_run_ends(cluster, executor):
    executor.shutdown()
    executor.run_job(job(None).job)
    executor.report_job_error(job(None), AWAY)
    assert executor.submitted == []
    assert executor.failed == [AWAY]


def test_a_controller_answers_if_it_is_up(cluster):
    assert controller_answers()
    cluster.says("scontrol", "Slurmctld(primary) at n1 is DOWN")
    assert not controller_answers()


def test_a_command_that_hangs_is_no_answer(monkeypatch):
    def hangs(command, **more):
        raise subprocess.TimeoutExpired(command, more["timeout"])

    monkeypatch.setattr(subprocess, "run", hangs)
    assert not controller_answers()
