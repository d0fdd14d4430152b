"""Snakemake's scheduler, made to look at the jobs that are ready only when something has changed.

So that a limit on jobs per time (`--max-jobs-per-timespan`, by default 100 a second) is not missed, Snakemake 9.27
looks again one second after each look, whether the limit was reached or not. Each look by a finished job starts such a
series of its own, and series end only when no job is ready: the looks add up. A look evaluates the params of all ready
jobs and asks for the sizes of their inputs, so that a controller with many ready jobs does little else.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from snakemake.interfaces import JobExecutorInterface as Job
    from snakemake.scheduling.job_scheduler import JobScheduler


def look_only_after_changes() -> None:
    """Let the scheduler of this process look again only if the limit on jobs per time may have kept a job waiting."""
    from snakemake.scheduling.job_scheduler import JobScheduler

    select, look_again = JobScheduler.job_selector, JobScheduler._schedule_reevalutation
    if select.__module__ == __name__:
        return

    def job_selector(scheduler: JobScheduler, jobs: Sequence[Job]) -> Sequence[Job]:
        limit = scheduler.job_rate_limiter
        free = limit.get_free_jobs() if limit else len(jobs) + 1
        selected = select(scheduler, jobs)
        scheduler.reached_limit = len(selected) >= free
        return selected

    def look_again_if_limited(scheduler: JobScheduler, seconds: int) -> None:
        limit = scheduler.job_rate_limiter
        if not limit or seconds != limit.timespan or scheduler.reached_limit:  # other times are of other waits
            look_again(scheduler, seconds)

    JobScheduler.job_selector, JobScheduler._schedule_reevalutation = job_selector, look_again_if_limited
