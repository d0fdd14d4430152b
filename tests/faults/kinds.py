"""The kinds of faults, and how each is put into a run."""

from __future__ import annotations

import json
import os
import resource
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random

import psutil
from small_disk import Disk

from faults.run import Run, script_of, worker
from faults.study import STUDY, TRAINED, Artifact, artifacts
from growmerge.training.lease import STALE

FAR = "lost-node"  # the host of a lease whose node is lost
NOBODY = 2**22 + 1  # a number that no process can have
SOON = (2.0, 5.0)  # seconds until a lease that was left behind is stale


@dataclass
class Struck:
    """What a fault met. `ends`: whether the run ends of it; `damaged`: the artifact with a file that was altered."""

    where: str
    ends: bool = True
    damaged: Artifact | None = None


class Faults:
    """Puts faults into a run. Each returns None if there is nothing that it could meet."""

    def __init__(self, run: Run, disk: Disk | None, damaged: Sequence[Artifact], draw: Random) -> None:
        self._run, self._disk, self._draw = run, disk, draw
        self._damaged = {artifact.name for artifact in damaged}

    def kill_a_job(self) -> Struck | None:
        """kill -9, as the kernel does when memory runs out."""
        return self._signal_a_job(signal.SIGKILL)

    def terminate_a_job(self) -> Struck | None:
        """SIGTERM, as Slurm sends it before a time limit."""
        return self._signal_a_job(signal.SIGTERM)

    def kill_the_controller(self) -> Struck | None:
        """kill -9 of Snakemake alone: its jobs go on."""
        where = self._at_work()
        self._run.process.kill()
        self._run.process.wait()
        return Struck(where)

    def terminate_the_controller(self) -> Struck | None:
        """SIGTERM to Snakemake alone."""
        where = self._at_work()
        self._run.process.terminate()
        return Struck(where)

    def interrupt(self) -> Struck | None:
        """Ctrl-C, which a terminal sends to Snakemake and all jobs."""
        where = self._at_work()
        os.killpg(self._run.process.pid, signal.SIGINT)
        return Struck(where)

    def close_the_terminal(self) -> Struck | None:
        """SIGHUP to Snakemake and all jobs, as when a connection breaks off."""
        where = self._at_work()
        os.killpg(self._run.process.pid, signal.SIGHUP)
        return Struck(where)

    def cut_the_power(self) -> Struck | None:
        """Nothing has time to tidy up: locks, leases and temporary files stay."""
        where = self._at_work()
        self._run.kill_everything()
        return Struck(where)

    def lose_a_node(self) -> Struck | None:
        """A training's node is gone, with Snakemake's; its lease is one of another host, and not old enough yet."""
        struck = self.cut_the_power()
        leases = list((self._run.clone / STUDY / "work").rglob("lease-*"))
        for lease in leases:
            with suppress(ValueError):
                holder = json.loads(lease.read_text(encoding="utf-8"))
                lease.write_text(json.dumps(holder | {"host": FAR, "process": NOBODY}), encoding="utf-8")
        return struck if self._age(leases) else self._plant(struck, json.dumps({"host": FAR, "process": NOBODY}))

    def tear_a_lease(self) -> Struck | None:
        """A power cut leaves a lease that was half written, or empty."""
        struck = self.cut_the_power()
        leases = list((self._run.clone / STUDY / "work").rglob("lease-*"))
        for lease in leases:
            os.truncate(lease, self._draw.randrange(max(1, lease.stat().st_size)))
        return struck if self._age(leases) else self._plant(struck, self._draw.choice(["", '{"host": "lost']))

    def fill_the_disk(self) -> Struck | None:
        """A disk with at most some kilobytes left."""
        if self._disk is None:
            return None
        where, left = self._at_work(), self._draw.choice([0, 0, 4096, 20_000])
        with suppress(OSError):  # somebody has just written what seemed to be free
            self._disk.fill(left)
        return Struck(f"{where}, {left:,} bytes left")

    def limit_files(self) -> Struck | None:
        """A job may write no file above a size from now on: `ulimit -f`, and the quotas of some clusters."""
        jobs, most = self._run.jobs(), self._draw.choice([0, 1000, 20_000])
        if not jobs:
            return None
        job = self._draw.choice(jobs)
        where = f"{script_of(job)}, files of {most:,} bytes"
        try:
            resource.prlimit(worker(job), resource.RLIMIT_FSIZE, (most, resource.RLIM_INFINITY))
        except ProcessLookupError:
            return None
        return Struck(where)

    def flip_a_byte(self) -> Struck | None:
        """A bit of a finished artifact is another."""

        def flip(data: bytearray) -> bytearray:
            data[self._draw.randrange(len(data))] ^= 1 << self._draw.randrange(8)
            return data

        return self._damage(flip)

    def cut_a_file(self) -> Struck | None:
        """The end of a file of a finished artifact is missing."""
        return self._damage(lambda data: data[: self._draw.randrange(len(data))])

    def _signal_a_job(self, number: signal.Signals) -> Struck | None:
        jobs = self._run.jobs()
        if not jobs:
            return None
        job = self._draw.choice(jobs)
        where = script_of(job)
        try:
            job.send_signal(number)
        except psutil.NoSuchProcess:
            return None
        return Struck(where)

    def _at_work(self) -> str:
        return "+".join(sorted(filter(None, map(script_of, self._run.jobs())))) or "between jobs"

    def _age(self, leases: Sequence[Path]) -> bool:
        """Let them be stale soon. Whether there were any."""
        for lease in leases:
            touched = time.time() - STALE + self._draw.uniform(*SOON)
            os.utime(lease, (touched, touched))
        return bool(leases)

    def _plant(self, struck: Struck | None, text: str) -> Struck | None:
        """A lease of a training that is still to come: none was going on."""
        if struck is None:
            return None
        study = self._run.clone / STUDY
        models = [name for name in TRAINED if not (study / "models" / name).exists()]
        if models:
            lease = study / "work" / self._draw.choice(models) / "lease-1"
            lease.parent.mkdir(parents=True, exist_ok=True)
            lease.write_text(text, encoding="utf-8")
            self._age([lease])
        return struck

    def _damage(self, damage: Callable[[bytearray], bytearray]) -> Struck | None:
        sound = [artifact for artifact in artifacts(self._run.clone) if artifact.name not in self._damaged]
        if not sound:
            return None
        artifact = self._draw.choice(sound)
        file = self._draw.choice([file for file in artifact.files() if (self._run.clone / file).stat().st_size])
        path = self._run.clone / file
        status = path.stat()
        path.write_bytes(damage(bytearray(path.read_bytes())))
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))  # a disk that fails does not touch it
        return Struck(str(file.relative_to(STUDY)), ends=False, damaged=artifact)


KINDS: dict[str, Callable[[Faults], Struck | None]] = {
    "job killed": Faults.kill_a_job,
    "job terminated": Faults.terminate_a_job,
    "Snakemake killed": Faults.kill_the_controller,
    "Snakemake terminated": Faults.terminate_the_controller,
    "Ctrl-C": Faults.interrupt,
    "closed terminal": Faults.close_the_terminal,
    "power cut": Faults.cut_the_power,
    "lost node": Faults.lose_a_node,
    "torn lease": Faults.tear_a_lease,
    "full disk": Faults.fill_the_disk,
    "limit of files": Faults.limit_files,
    "flipped bit": Faults.flip_a_byte,
    "cut file": Faults.cut_a_file,
}
