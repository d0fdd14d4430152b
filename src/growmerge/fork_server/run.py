"""Snakemake's side: it starts a server for the jobs of a run, and measures their forks."""

from __future__ import annotations

import atexit
import os
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from growmerge.fork_server.protocol import FOLDER, OFF, THREADS

# What numerical libraries read when they are loaded, and Snakemake sets for each job.
ALL_THREADS = (THREADS, *(f"{name}_NUM_THREADS" for name in ("GOTO", "OPENBLAS", "MKL", "NUMEXPR")))
# Arrow loads jemalloc, whose thread may hold a lock when the server forks: that fork would wait for it for ever.
NO_THREAD_OF_ARROW = {"JE_ARROW_MALLOC_CONF": "background_thread:false"}
# Devices of Nvidia's and AMD's drivers, which do not survive a fork if an import asks them for GPUs.
GPUS = ("/dev/nvidiactl", "/dev/kfd")


def start() -> None:
    """Give the jobs of this process a server. It takes no time before a script asks for it."""
    if os.environ.get(FOLDER) == OFF or not hasattr(os, "pidfd_open") or any(Path(gpu).exists() for gpu in GPUS):
        return
    try:
        folder = tempfile.mkdtemp(prefix="growmerge-")
    except OSError:  # the disk is full
        return
    # -P: a folder `torch` in the working directory is not imported. The pipe to its input ends when this process does.
    command = [sys.executable, "-P", "-m", "growmerge.fork_server.server", folder]
    environment = os.environ | dict.fromkeys(ALL_THREADS, "1") | NO_THREAD_OF_ARROW
    server = subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert server.stdin and server.stdout
    with server.stdout as listens:
        if not listens.read(1):
            return  # it has said why
    os.environ[FOLDER] = folder
    atexit.register(_end, server, server.stdin)
    _measure_forks(folder)


def _end(server: subprocess.Popen[bytes], pipe: IO[bytes]) -> None:
    """Let the server end, and wait for it if no fork is left."""
    pipe.close()
    with suppress(subprocess.TimeoutExpired):
        server.wait(1)


def fork_of(pid: int, folder: str) -> int | None:
    """The fork that runs the script of the process `pid`, if that has handed it over to the server of the folder."""
    try:
        return int((Path(folder) / str(pid)).read_text())
    except (OSError, ValueError):
        return None


def _measure_forks(folder: str) -> None:
    """Let Snakemake's `benchmark:` measure forks with the jobs that they belong to: they are none of its children."""
    import psutil
    from snakemake import benchmark

    class Job(psutil.Process):
        """A job's process, with forks among its children."""

        def children(self, recursive: bool = False) -> list[psutil.Process]:
            found = super().children(recursive)
            for fork in [fork for process in [self, *found] if (fork := fork_of(process.pid, folder))]:
                with suppress(psutil.NoSuchProcess):
                    process = psutil.Process(fork)
                    found += [process, *process.children(recursive)]
            return found

    class Timer(benchmark.BenchmarkTimer):
        def __init__(self, pid: int, *arguments: Any) -> None:
            super().__init__(pid, *arguments)
            self.main = Job(pid)

    benchmark.BenchmarkTimer = Timer
