"""A real Slurm on this machine: two nodes, two fake GPUs each, for tests. Needs root, Slurm's daemons and munge.

By hand: `python tests/slurm/cluster.py FOLDER` starts it, and stops it at Ctrl-C.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

HERE = Path(__file__).parent
# Where a job step looks for its configuration: the plugin for steps hands SLURM_CONF on to none of them.
CONFIGURATION = Path("/etc/slurm")
FILES = [file.name for file in HERE.glob("*.conf")]
NODES = ("n1", "n2")
PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "squeue", "scontrol")
PATIENCE = 30  # seconds for something to come up


def why_not() -> str:
    """Why no cluster can be started here; empty if one can."""
    if missing := [program for program in PROGRAMS if not shutil.which(program)]:
        return f"Slurm is not installed: {', '.join(missing)} not found"
    if os.geteuid() != 0:
        return "to start Slurm's daemons takes root"
    for name in FILES:
        if (CONFIGURATION / name).exists() and not (CONFIGURATION / name).is_symlink():
            return f"this machine has a Slurm of its own: {CONFIGURATION / name}"
    return ""


class Cluster:
    """Starts in `folder`, is up once entered, and leaves nothing running."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.revivals = 2  # crashes of the controller after which it is started again, as a service manager would
        self._daemons: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Cluster:
        try:
            self._configure()
            socket_file = self.folder / "munge.sock"
            key, files = self.folder / "munge.key", self.folder / "munge"
            key.write_bytes(os.urandom(1024))
            key.chmod(0o400)
            options = [f"--{name}-file={files}.{name}" for name in ("pid", "log", "seed")]
            self._start("munged", "--foreground", "--force", f"--socket={socket_file}", f"--key-file={key}", *options)
            self.wait_for(socket_file.exists, "munged")
            self._start("slurmctld", "-D")
            for node in NODES:
                self.start_node(node)
            self.wait_for(
                lambda: output("sinfo", "-h", "-N", "-p", "cpu", "-o", "%t").split() == ["idle"] * 2, "the nodes"
            )
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for node in NODES:
            self.kill_node(node)
        # Those whose job has just ended: no process of a job leads to them.
        kill(pid for pid in processes_with(f"SLURM_CONF={CONFIGURATION / 'slurm.conf'}") if _name(pid) == "slurmstepd")
        for name in reversed(list(self._daemons)):
            self._kill(name)
        for name in FILES:
            (CONFIGURATION / name).unlink(missing_ok=True)

    def _configure(self) -> None:
        (self.folder / "state").mkdir(parents=True)
        for device in range(2):
            os.mknod(self.folder / f"gpu{device}", 0o20666, os.makedev(1, 3))  # as /dev/null
        host = socket.gethostname().split(".")[0]
        CONFIGURATION.mkdir(exist_ok=True)
        for name in (*FILES, "record"):
            text = (HERE / name).read_text().replace("{folder}", str(self.folder)).replace("{host}", host)
            (self.folder / name).write_text(text)
        for name in FILES:
            (CONFIGURATION / name).unlink(missing_ok=True)  # left behind by one that was killed
            (CONFIGURATION / name).symlink_to(self.folder / name)
        (self.folder / "record").chmod(0o755)

    def _start(self, name: str, *arguments: str) -> None:
        program, log = name.split("@")[0], self.folder / f"{name}.log"
        with log.open("ab") as out:
            self._daemons[name] = subprocess.Popen(
                [shutil.which(program) or program, *arguments], stdout=out, stderr=out, start_new_session=True
            )

    def _kill(self, name: str) -> None:
        if daemon := self._daemons.pop(name, None):
            daemon.kill()
            daemon.wait()

    def wait_for(
        self, condition: Callable[[], object], what: str, seconds: float = PATIENCE, every: float = 0.2
    ) -> None:
        """Wait until something holds, looking `every` so many seconds.

        Raises TimeoutError that names it, and RuntimeError at once if a daemon has died. The controller of Slurm
        22.05.8 crashes at times when it places a requeued job with GPUs; it is started again, `revivals` times.
        """
        end = time.monotonic() + seconds
        while not _holds(condition):
            self._check_daemons(what)
            if time.monotonic() > end:
                raise TimeoutError(f"waited {seconds:.0f} s for {what}")
            time.sleep(every)

    def _check_daemons(self, what: str) -> None:
        for name, daemon in list(self._daemons.items()):
            if (status := daemon.poll()) is not None:
                if (name, status) == ("slurmctld", -signal.SIGSEGV) and self.revivals:
                    self.revivals -= 1
                    self.start_controller()
                    continue
                how = f"by {signal.Signals(-status).name}" if status < 0 else f"with status {status}"
                last = (self.folder / f"{name}.log").read_text(errors="replace")[-2000:]
                raise RuntimeError(f"{name} ended {how} while the test waited for {what}. The end of its log:\n{last}")

    def signal_controller(self, number: int) -> None:
        """Behind the back of this object: stop the controller, continue it, or let it die."""
        self._daemons["slurmctld"].send_signal(number)

    def kill_controller(self) -> None:
        """The controller is gone at once; what the last five seconds brought may not be written down."""
        self._kill("slurmctld")

    def start_controller(self) -> None:
        """Start the controller again, with the state that it finds."""
        self._start("slurmctld", "-D")
        self.wait_for(lambda: " is UP" in output("scontrol", "ping"), "the controller")

    def start_node(self, node: str) -> None:
        """Start a node's daemon."""
        self._start(f"slurmd@{node}", "-D", "-N", node)

    def kill_node(self, node: str) -> None:
        """A power cut: the node's daemon and everything that its jobs have started are gone at once."""
        self._kill(f"slurmd@{node}")
        jobs = processes_with(f"SLURMD_NODENAME={node}")
        kill({parent for parent in map(_parent, jobs) if _name(parent) == "slurmstepd"})
        kill(jobs)

    def jobs(self) -> list[dict[str, str]]:
        """All jobs so far, as `scontrol show job` has them; `rule` is added: the rule's name and wildcards."""
        text = output("scontrol", "show", "job", "--oneliner")
        jobs = [dict(re.findall(r"(\S+?)=(\S*)", line)) for line in text.splitlines() if line.startswith("JobId=")]
        return [
            job | {"rule": job.get("Comment", "").removeprefix("rule_").replace("_wildcards_", " ")} for job in jobs
        ]

    def jobs_of(self, rule: str) -> list[dict[str, str]]:
        """The jobs of a rule (with its wildcards), in the order of their submission."""
        return sorted((job for job in self.jobs() if job["rule"] == rule), key=lambda job: int(job["JobId"]))

    def processes(self, job: str, script: str) -> list[int]:
        """Processes that run a script within a job."""
        return [pid for pid in processes_with(f"SLURM_JOB_ID={job}") if script in _command(pid)]

    def gpus_seen(self) -> dict[str, str]:
        """CUDA_VISIBLE_DEVICES of every job's tasks, as they found it; empty where it was not set."""
        lines = (self.folder / "tasks").read_text().splitlines()
        return dict(line.split(" gpus=") for line in lines)


def processes_with(*variables: str) -> list[int]:
    """Processes that have these variables ("NAME=value") in their environment."""
    wanted, found = {variable.encode() for variable in variables}, []
    for environment in Path("/proc").glob("[0-9]*/environ"):
        try:
            if wanted <= set(environment.read_bytes().split(b"\0")):
                found.append(int(environment.parent.name))
        except OSError:  # it has ended
            continue
    return found


def kill(processes: Iterable[int], number: int = signal.SIGKILL) -> None:
    """Send a signal to those that are still there."""
    for pid in processes:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""


def _name(pid: int) -> str:
    return _stat(pid)[0]


def _parent(pid: int) -> int:
    return int(_stat(pid)[1] or 0)


def _stat(pid: int) -> tuple[str, str]:
    try:
        name, rest = Path(f"/proc/{pid}/stat").read_text().split("(", 1)[1].rsplit(") ", 1)
    except OSError:
        return "", ""
    return name, rest.split()[1]


def _holds(condition: Callable[[], object]) -> bool:
    """Whether it holds; not if what it looks for is not listed, since a controller that is down lists nothing."""
    try:
        return bool(condition())
    except LookupError:
        return False


def output(*command: str) -> str:
    """What a command prints; empty if it fails."""
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE).stdout


if __name__ == "__main__":
    if reason := why_not():
        sys.exit(reason)
    with Cluster(Path(sys.argv[1]).absolute()):
        print(output("sinfo"), end="", flush=True)
        signal.signal(signal.SIGTERM, lambda *_: sys.exit())
        signal.pause()
