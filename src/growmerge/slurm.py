"""Snakemake's executor for Slurm, made to outlive an outage of Slurm.

The plugin (snakemake-executor-plugin-slurm 2.8.0) has four faults, and each can end an unattended run:

- If five status queries in a row fail, it forgets its jobs. The run then waits for ever.
- If `sbatch` finds no controller, the job has failed: six attempts are used up within a minute.
- If Slurm has lost a job (it crashed seconds after the submission, or came back long after the job's end), the plugin
  waits for it for ever.
- A job that Slurm keeps waiting for a reason that never ends, such as a partition closed to the account, waits without
  a word.

`outlive_outages` puts `Patient` in front of the plugin's class, in the registry from which Snakemake takes it. Profiles
and their `slurm-...` settings stay as they are.
"""

from __future__ import annotations

import re
import subprocess
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from snakemake_executor_plugin_slurm import Executor
    from snakemake_interface_executor_plugins.executors.base import SubmittedJobInfo
    from snakemake_interface_executor_plugins.jobs import JobExecutorInterface
else:
    Executor = object

PAUSE = 10.0  # seconds between two looks for a controller that is away
# Answers in a row that must agree before a job counts as lost, or as kept waiting. One comes every 40 to 180 seconds.
ANSWERS = 5
REMIND = 3600.0  # seconds until a reason for waiting is told again

# How Slurm's commands say that the controller did not answer (slurm_errno.c).
AWAY = re.compile(
    r"Unable to contact slurm controller \([a-z ]+\)|Socket timed out on send/recv operation"
    r"|Zero Bytes were transmitted or received|Slurm backup controller in standby mode"
    r"|Controller is in standby mode"
)
# Reasons for waiting that end by themselves: the queue, and limits on what runs at once. Limits on one job and on a
# budget of time do not.
ENDS_BY_ITSELF = re.compile(
    r"None|Priority|Resources|BeginTime|Dependency|(QOS|Assoc)(Grp|Max)(?!.*(Minutes|Wall|PerJob)).*"
)


def outlive_outages() -> None:
    """Let `--executor slurm` of this process outlive outages. Does nothing if the plugin is not installed."""
    from snakemake_interface_executor_plugins.registry import ExecutorPluginRegistry

    plugin = ExecutorPluginRegistry().plugins.get("slurm")
    if plugin and not issubclass(plugin.executor, Patient):
        plugin.executor = type("Executor", (Patient, plugin.executor), {})


class Patient(Executor):
    """Mends the faults of the plugin's class (see above), which must be the next base."""

    def __init__(self, workflow: Any, logger: Any) -> None:
        # The thread that asks for states starts within super().__init__.
        self._ending = threading.Event()
        self._away_since: float | None = None
        self._reported: set[str | None] = set()  # ids of jobs whose end was reported in the present round
        self._missing: Counter[str | None] = Counter()  # id -> answers in a row that did not list the job
        self._waiting: Counter[str | None] = Counter()  # id -> answers in a row with a reason that may never end
        self._told: dict[str, float] = {}  # reason for waiting -> when it was told
        super().__init__(workflow, logger)

    # Jobs in Slurm

    async def check_active_jobs(self, active_jobs: list[SubmittedJobInfo]) -> AsyncIterator[SubmittedJobInfo]:
        """Report the jobs that have ended; yield all others."""
        if self._away_since and not controller_answers():
            for job in active_jobs:
                yield job
            return
        self._reported.clear()
        kept = [job async for job in super().check_active_jobs(active_jobs)]
        known = {job.external_jobid for job in kept} | self._reported
        forgotten = [job for job in active_jobs if job.external_jobid not in known]
        if forgotten:
            self._say_away(self._why_no_states())
        elif active_jobs:
            self._say_back()
        queue = None if forgotten or not kept else self._queue()
        if queue is not None:
            self._tell_of_waiting(kept, queue)
        for job in kept + forgotten:
            if queue is None or not self._is_lost(job, queue):
                yield job
            elif has_made_its_outputs(job):
                self.logger.warning(f"Slurm no longer knows job {_name(job)}. It has made its outputs.")
                self.report_job_success(job)
            else:
                self.report_job_error(job, f"Slurm no longer knows job {_name(job)}, and its outputs are not there. ")

    def report_job_submission(self, job_info: SubmittedJobInfo, register_job: bool = True) -> None:
        """Note when a job was submitted."""
        job_info.aux = {**(job_info.aux or {}), "submitted": time.time()}
        super().report_job_submission(job_info, register_job)

    def report_job_success(self, job_info: SubmittedJobInfo) -> None:
        """Note that a job's end was seen."""
        self._reported.add(job_info.external_jobid)
        super().report_job_success(job_info)

    def report_job_error(self, job_info: SubmittedJobInfo, msg: str | None = None, **kwargs: Any) -> None:
        """Let a job fail; but submit it again, within the same attempt, if its submission found no controller."""
        away = None if job_info.external_jobid or self._ending.is_set() else AWAY.search(msg or "")
        if away:
            self._say_away(away[0])
            self._job_submission_executor.submit(self._submit_again, job_info.job)
            return
        self._reported.add(job_info.external_jobid)
        super().report_job_error(job_info, msg, **kwargs)

    def _why_no_states(self) -> str:
        if not controller_answers():
            return "its controller is down"
        command = self.get_status_command()
        hint = "; if Slurm has no accounting database, set slurm-status-command: squeue" if command == "sacct" else ""
        return f"`{command}` fails{hint}"

    def _queue(self) -> dict[str, tuple[str, str]] | None:
        """State and reason of each job of this run, by id; None if Slurm does not answer."""
        answer = _run("squeue", "--noheader", "--states=all", f"--name={self.run_uuid}", "--format=%i|%T|%r")
        if answer.returncode:
            return None
        lines = (line.split("|", 2) for line in answer.stdout.splitlines())
        return {job.strip(): (state, reason) for job, state, reason in lines}

    def _is_lost(self, job: SubmittedJobInfo, queue: Mapping[str, object]) -> bool:
        job_id = job.external_jobid
        # Jobs that were sent to another cluster are not in this one's queue.
        absent = job_id not in queue and not self._submitted_job_clusters
        self._missing[job_id] = self._missing[job_id] + 1 if absent else 0
        return (
            self._missing[job_id] >= ANSWERS
            and "Invalid job id specified" in _run("scontrol", "show", "job", str(job_id)).stderr
        )

    def _tell_of_waiting(self, jobs: Sequence[SubmittedJobInfo], queue: Mapping[str, tuple[str, str]]) -> None:
        reasons: dict[str, list[str]] = {}
        for job in jobs:
            state, reason = queue.get(str(job.external_jobid), ("", ""))
            waits = state == "PENDING" and not ENDS_BY_ITSELF.fullmatch(reason)
            self._waiting[job.external_jobid] = self._waiting[job.external_jobid] + 1 if waits else 0
            if self._waiting[job.external_jobid] >= ANSWERS:
                reasons.setdefault(reason, []).append(_name(job))
        for reason, names in reasons.items():
            if time.monotonic() - self._told.get(reason, -REMIND) >= REMIND:
                self._told[reason] = time.monotonic()
                rest = f" and {len(names) - 5} more" if len(names) > 5 else ""
                self.logger.warning(
                    f"Slurm does not start jobs {', '.join(names[:5])}{rest}. Its reason: {reason}. If that does not "
                    "end by itself, stop Snakemake (Ctrl-C cancels its jobs; trainings save their state), mend the "
                    "account or the partitions of the profile, and give the same command again."
                )

    # Submission

    def run_job(self, job: JobExecutorInterface) -> None:
        """Submit a job, unless the run ends."""
        if not self._ending.is_set():
            super().run_job(job)

    def _submit_again(self, job: JobExecutorInterface) -> None:
        while not self._ending.wait(PAUSE):
            if controller_answers():
                self._say_back()
                self._cancel_unreported(job)
                self.run_job(job)
                return

    def _cancel_unreported(self, job: JobExecutorInterface) -> None:
        """Cancel the job of a submission that seemed to fail.

        `sbatch` may time out after the controller has taken the job.
        """
        if job.is_group():  # groups of a rule cannot be told from each other; they hold jobs of seconds
            return
        from snakemake_executor_plugin_slurm.utils import get_job_wildcards

        wildcards = get_job_wildcards(job)
        comment = f"rule_{job.name}" + (f"_wildcards_{wildcards}" if wildcards else "")
        answer = _run("squeue", "--noheader", f"--name={self.run_uuid}", "--format=%i|%k")
        for line in answer.stdout.splitlines():
            job_id, found = line.split("|", 1)
            if found == comment:
                _run("scancel", job_id)

    # Outages, and the end of the run

    def _say_away(self, why: str) -> None:
        if not self._away_since:
            self._away_since = time.time()
            self.logger.warning(
                f"Slurm does not answer: {why}. Jobs that it has started go on. This run waits until Slurm answers. "
                "What cannot be submitted meanwhile is submitted then, and has not used up an attempt."
            )

    def _say_back(self) -> None:
        if since := self._away_since:
            self._away_since = None
            self.logger.warning(f"Slurm answers again, after {(time.time() - since) / 60:.1f} minutes.")

    def cancel(self) -> None:
        """End the run, and its jobs.

        While Slurm is asked about jobs, the list of those that run is empty, and a submission may be under way: so all
        that have this run's name are cancelled, too.
        """
        self._ending.set()
        super().cancel()
        if controller_answers():
            _run("scancel", f"--name={self.run_uuid}")

    def cancel_jobs(self, active_jobs: list[SubmittedJobInfo]) -> None:
        """Cancel jobs, or say how if Slurm does not answer."""
        from snakemake_interface_common.exceptions import WorkflowError

        try:
            super().cancel_jobs(active_jobs)
        except WorkflowError as error:
            self.logger.error(
                f"{error}. The run's jobs go on. Let them finish; or end them, when Slurm answers again, with "
                f"`scancel --name={self.run_uuid}`."
            )

    def shutdown(self) -> None:
        """End the run."""
        self._ending.set()
        super().shutdown()


def controller_answers() -> bool:
    """Whether a controller of Slurm, or its backup, answers. Takes up to ten seconds if it does not."""
    return " is UP" in _run("scontrol", "ping").stdout


def _run(*command: str) -> subprocess.CompletedProcess[str]:
    """What a command of Slurm answers; exit status 124 if it takes longer than a minute."""
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(command, 124, "", "")


def _name(job: SubmittedJobInfo) -> str:
    return f"{job.external_jobid} ({job.job.name})"


def has_made_its_outputs(job: SubmittedJobInfo) -> bool:
    """Whether all outputs are there and newer than the job. They are published whole or not at all (artifacts.py)."""
    submitted = (job.aux or {})["submitted"]
    try:
        return all(Path(output).stat().st_mtime >= submitted for output in job.job.output)
    except FileNotFoundError:
        return False
