"""A lease on the training of a model: one process at a time trains it, on any node.

Snakemake's lock ends with Snakemake. Jobs of one that was killed go on, beside those of the next, and both would write
states, checkpoints and the model. So a training holds a lease in the model's work folder: a numbered file that only one
process can create (a hard link, which fails if it exists, on network file systems too). The process touches it twice a
minute. A lease ends if it is given back, if its process is gone from this machine, or if it was not touched for five
minutes. The next process then creates the file of the next number, which again only one can. A process that finds its
own file gone stops at once, without writing. Clocks of nodes must agree within minutes, as Slurm's must.

Without torch: Snakemake asks who trains before it starts.
"""

from __future__ import annotations

import json
import logging
import os
import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from growmerge.drafts import runs
from growmerge.errors import GrowmergeError
from growmerge.training.stopping import AGAIN

logger = logging.getLogger(__name__)
BEAT = 30.0  # seconds between two touches
STALE = 300.0  # seconds: file systems may show a node what another did only after a minute
PATIENCE = 600.0  # seconds to wait for a lease: long enough to see that it is stale
POLL = 1.0  # seconds
_LEASE = re.compile(r"lease-(\d+)")


class Occupied(GrowmergeError):
    """Another process trains the model."""


@dataclass(frozen=True)
class Holder:
    """The process that a lease belongs to; `job` is Slurm's."""

    host: str
    process: int
    job: str | None = None

    @classmethod
    def here(cls) -> Holder:
        """This process."""
        return cls(socket.gethostname(), os.getpid(), os.environ.get("SLURM_JOB_ID"))

    def __str__(self) -> str:
        if not self.process:
            return "a process that its lease does not name"
        return f"process {self.process} on {self.host}" + (f" (Slurm's job {self.job})" if self.job else "")

    @property
    def end_it(self) -> str:
        """The command that makes it save its state and end."""
        if not self.process:
            return f"sleep {STALE:.0f}"  # by then the lease has ended, unless somebody still touches it
        if self.job:
            return f"scancel {self.job}"
        # On this machine, a process with that number would be another one.
        return f"kill {self.process}" if self.host == socket.gethostname() else f"ssh {self.host} kill {self.process}"


UNNAMED = Holder("", 0)  # of a lease that cannot be read


@contextmanager
def sole_trainer(work: Path) -> Iterator[None]:
    """Hold the lease of a work folder.

    If another process holds it, wait for at most `PATIENCE` seconds, then raise Occupied. If another process takes
    over because this one was stopped for longer than `STALE` seconds, this one exits with status 75.
    """
    mine = _acquire(work)
    ended = threading.Event()
    heart = threading.Thread(target=_beat, args=(mine, ended), name="lease", daemon=True)
    heart.start()
    try:
        yield
    finally:
        ended.set()
        heart.join()
        with suppress(FileNotFoundError):
            _give_back(mine)


def trainers(folder: Path) -> dict[str, Holder]:
    """Who trains in the work folders below `folder`: their paths relative to it, and the holders of their leases."""
    return {
        lease.parent.relative_to(folder).as_posix(): holder
        for lease in folder.rglob("lease-*")
        if _LEASE.fullmatch(lease.name) and (holder := _holder(lease))
    }


def refuse_beside_trainers(folder: Path, wanted: set[str]) -> None:
    """Raise GrowmergeError if any of the models in `wanted` is being trained in the work folders below `folder`."""
    if found := {model: holder for model, holder in trainers(folder).items() if model in wanted}:
        who = ", ".join(f"{model} by {holder}" for model, holder in sorted(found.items()))
        end = "; ".join(sorted({holder.end_it for holder in found.values()}))
        raise GrowmergeError(
            f"{folder}: jobs of an earlier run are training what this one would train: {who}. Wait until they have "
            f"ended, or end them (`{end}`): they save their state, and what comes next goes on from there"
        )


def _acquire(work: Path) -> Path:
    give_up, told = time.monotonic() + PATIENCE, False
    while True:
        last = max(_leases(work), default=0)
        holder = _holder(_lease(work, last))
        if holder is None:
            if _create(work, last + 1):
                return _lease(work, last + 1)
        elif time.monotonic() > give_up:
            raise Occupied(
                f"{work}: still trained by {holder}, after {PATIENCE / 60:.0f} minutes of waiting. Run again when that "
                f"has ended (`{holder.end_it}` makes it save its state and end): it goes on from there"
            )
        elif not told:
            logger.warning("%s: trained by %s; waiting for its end", work, holder)
            told = True
        time.sleep(POLL)


def _lease(work: Path, number: int) -> Path:
    return work / f"lease-{number}"


def _leases(work: Path) -> list[int]:
    found = (_LEASE.fullmatch(lease.name) for lease in work.glob("lease-*"))
    return [int(name[1]) for name in found if name]


def _holder(lease: Path) -> Holder | None:
    """Who holds a lease; None if it has ended. One that cannot be read ends with its time, as any other."""
    try:
        age = time.time() - lease.stat().st_mtime
        holder = Holder(**json.loads(lease.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError):  # empty or half of it, after a power cut
        holder = UNNAMED
    gone = holder.host == socket.gethostname() and not runs(holder.process)
    return None if gone or age > STALE else holder


def _create(work: Path, number: int) -> bool:
    """Create the lease of that number; False if another was faster.

    The file with the highest number stays, so that no number is used twice while the folder exists. A process that
    found a number free long ago then finds a higher one.
    """
    here = Holder.here()
    draft = work / f".{here.host}-{here.process}"
    try:
        work.mkdir(parents=True, exist_ok=True)
        with draft.open("w", encoding="utf-8") as file:
            file.write(json.dumps(asdict(here)))
            file.flush()
            os.fsync(file.fileno())  # a lease that survives a power cut can be read
        _lease(work, number).hardlink_to(draft)
    except (FileExistsError, FileNotFoundError):  # it is there already, or the folder was removed
        return False
    finally:
        draft.unlink(missing_ok=True)
    others = [other for other in _leases(work) if other != number]
    if any(other > number for other in others):
        _lease(work, number).unlink(missing_ok=True)
        return False
    for other in others:
        _lease(work, other).unlink(missing_ok=True)
    return True


def _give_back(lease: Path) -> None:
    os.utime(lease, (0, 0))  # not touched for very long


def _beat(mine: Path, ended: threading.Event) -> None:
    while not ended.wait(BEAT):
        try:
            os.utime(mine)
        except FileNotFoundError:
            logger.error("%s is gone: another job has taken over while this one stood still; ending unsaved", mine)
            os._exit(AGAIN)
        except OSError as error:  # the file system is away for a moment
            logger.warning("%s could not be touched: %s", mine, error)
