"""A run of Snakemake that can be watched, struck and ended."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Thread

import psutil
from workflow.snakemake import command

from growmerge.fork_server import FOLDER, fork_of

LIMIT = 900.0  # seconds, after which a command counts as hanging
POLL = 0.1  # seconds


class Hangs(Exception):
    """A command does not end."""


class Run:
    """A command of Snakemake in a session of its own, as in a terminal of its own."""

    def __init__(self, clone: Path, *arguments: str) -> None:
        self.clone, self._arguments = clone, arguments
        # A pipe, not a file: a limit on the size of files must not meet what is printed.
        self.process = subprocess.Popen(
            command(*arguments), cwd=clone, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True
        )
        self._begun, self._printed = time.monotonic(), bytearray()
        self._reader = Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def output(self) -> str:
        """What was printed so far, all of it once the run has ended; jobs that outlive it may still print more."""
        if self.process.poll() is not None:
            self._reader.join(timeout=1)
        return self._printed.decode(errors="replace")

    def wait(self, ready: Callable[[], object] = lambda: False) -> bool:
        """Wait until something is so; False if the run ended before.

        Raises Hangs, and ends the run, if it should have ended long ago.
        """
        while self.process.poll() is None:
            if ready():
                return True
            if time.monotonic() - self._begun > LIMIT:
                self.kill_everything()
                raise Hangs(f"`snakemake {' '.join(self._arguments[:3])} ...` goes on after {LIMIT:.0f} s")
            time.sleep(POLL)
        return False

    def jobs(self) -> list[psutil.Process]:
        """The processes that run scripts of its jobs now, without helpers that these have started."""
        try:
            below = psutil.Process(self.process.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            return []
        return [process for process in below if script_of(process)]

    def finished_jobs(self) -> int:
        """How many jobs it has said to be finished."""
        return self._printed.count(b"Finished jobid: ")

    def kill_everything(self) -> None:
        """As a power cut does: Snakemake, its jobs, and all that these have started."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def _read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self._printed += line


def worker(job: psutil.Process) -> int:
    """The id of the process that does the work of a job: the fork that runs its script, if there is one."""
    with suppress(psutil.Error):
        return fork_of(job.pid, job.environ().get(FOLDER, "")) or job.pid
    return job.pid


def script_of(process: psutil.Process) -> str:
    """The script that a job's own process runs, such as `train_model`; "" for any other process, or if it is gone."""
    try:
        arguments = process.cmdline()
    except psutil.Error:
        return ""
    script = next((argument for argument in arguments[1:2] if ".snakemake/scripts/" in argument), "")
    return script.removesuffix(".py").rpartition(".")[2]


def jobs_left(clone: Path) -> list[psutil.Process]:
    """Processes that work in a clone, whoever has started them."""
    left = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if Path(process.cwd()).is_relative_to(clone):
                left.append(process)
    return left
