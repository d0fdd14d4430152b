"""Which GPUs of a machine with several a job takes, where no scheduler has chosen them.

Slurm shows a job no GPUs but its own. Without it, every job would take the first one.
"""

from __future__ import annotations

import fcntl
import logging
import os
import subprocess
import tempfile
import time
from collections.abc import MutableMapping
from contextlib import ExitStack
from pathlib import Path

from growmerge.errors import GrowmergeError

VISIBLE = "CUDA_VISIBLE_DEVICES"

logger = logging.getLogger(__name__)
_taken = ExitStack()  # locks, which the system gives back when the process ends, however it ends


def gpus_here() -> int:
    """How many GPUs of NVIDIA there are for this process.

    Its driver's own tool is asked: torch may open a GPU to count them, and could not be told then which ones to use.
    """
    try:
        listed = subprocess.run(["nvidia-smi", "--list-gpus"], capture_output=True, text=True, check=False).stdout
    except OSError:
        return 0
    return sum(line.startswith("GPU ") for line in listed.splitlines())


def locks_folder() -> Path:
    """Where this user's jobs, of all runs on this machine, agree on who has which GPU."""
    return Path(tempfile.gettempdir()) / f"growmerge-gpus-{os.getuid()}"


def take_gpus(
    count: int, here: int, folder: Path, environment: MutableMapping[str, str] = os.environ, pause: float = 5
) -> None:
    """Make `count` of the `here` GPUs, which no other job has, the visible ones, until this process ends.

    Waits (looking again after `pause` seconds) until so many are free. Does nothing where something else has chosen,
    and where there is no choice: with one GPU, jobs may share it. Raises GrowmergeError if there are fewer.
    """
    if not count or here < 2 or VISIBLE in environment:
        return
    if count > here:
        raise GrowmergeError(
            f"the job asks for {count} GPUs, and this machine has {here}; add `--resources gpu={here}`"
        )
    folder.mkdir(mode=0o700, exist_ok=True)
    waited = False
    while len(own := _free(count, here, folder)) < count:
        if not waited:
            logger.info(
                "waiting until %d of %d GPUs are free; `--resources gpu=%d` starts no more jobs", count, here, here
            )
        waited = True
        time.sleep(pause)
    environment[VISIBLE] = ",".join(map(str, own))


def _free(count: int, here: int, folder: Path) -> list[int]:
    """The first so many GPUs that are free, now taken; if there are fewer, none is."""
    found = []
    with ExitStack() as stack:
        for number in range(here):
            file = stack.enter_context((folder / str(number)).open("a"))
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            found.append(number)
            if len(found) == count:
                _taken.enter_context(stack.pop_all())
                return found
    return []
