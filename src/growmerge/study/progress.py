"""How far a run is: jobs and FLOPs done of all, and the time left at the speed that was measured.

A thread of the process that starts the jobs reads Snakemake's own record of what is finished. So progress is told on a
laptop and on a cluster alike, between the ends of jobs too, and nothing needs to be installed (a logger plugin would be
a package of its own, and hears nothing while one training runs for hours).
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Hashable, Mapping
from pathlib import Path
from typing import Generic, TypeVar

from growmerge.artifacts import TRAINING_LOG
from growmerge.study.duration import readable_time

Job = TypeVar("Job", bound=Hashable)

EVERY = 300.0  # seconds between two lines
LAST_LINES = 4096  # bytes at the end of a training's log, which hold its last line


class Progress(Generic[Job]):
    """What is done of the jobs of a run."""

    def __init__(self, flops: Mapping[Job, float], share_done: Callable[[Job], float], now: float) -> None:
        """`flops`: what each job takes, 0 for all jobs that no plan counts. `share_done`: 1 for a finished job.

        `now`, here and later, are seconds of one clock.
        """
        self._flops, self._share_done = flops, share_done
        self._total = sum(flops.values())
        # Trainings that resume have done a part before: it does not count for the speed.
        self._before = self._done()[1]
        self._since = now

    def line(self, now: float) -> str:
        """One line for the whole run. The speed is that since the first FLOPs: text is read before."""
        jobs, flops = self._done()
        text = f"Progress: {jobs:,} of {len(self._flops):,} jobs"
        if not self._total:
            return f"{text} done"
        text += f" and {flops:.2e} of {self._total:.2e} FLOPs ({flops / self._total:.0%}) done"
        gained = flops - self._before
        if gained <= 0:
            self._since = now
            return f"{text}; the time left is not known yet"
        left = (self._total - flops) * (now - self._since) / gained
        return f"{text}; about {readable_time(left)} left at the speed so far"

    def _done(self) -> tuple[int, float]:
        shares = {job: self._share_done(job) for job in self._flops}
        return sum(share == 1 for share in shares.values()), sum(self._flops[job] * shares[job] for job in shares)


def share_trained(work: Path, steps: int) -> float:
    """Which share of its steps an unfinished training has done, as its log in the folder `work` says.

    0 if there is no log yet.
    """
    try:
        log = max(work.glob(f"*/{TRAINING_LOG}"), key=lambda path: path.stat().st_mtime)
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - LAST_LINES))
            *_, last = (line for line in file.read().splitlines() if line.endswith(b"}"))
        return min(int(json.loads(last)["step"]) / steps, 1 - 1e-9)  # it is done when the job is
    except (OSError, ValueError):
        return 0.0


def tell(progress: Progress[Job], say: Callable[[str], object], every: float = EVERY) -> None:
    """Say a line every so many seconds, as long as this process lives."""

    def tell_on() -> None:
        while True:
            time.sleep(every)
            say(progress.line(time.monotonic()))

    threading.Thread(target=tell_on, name="progress", daemon=True).start()
