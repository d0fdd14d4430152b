"""One process imports torch, transformers and pandas for all jobs of a run; each script goes on in a fork of it.

These imports take 4 CPU seconds in each job that trains, scores or merges: more than its work, if models are tiny. A
run on one machine has a server (`start`, called before the first job), which imports them when a script first asks. A
script asks by `hand_over`, before its own imports. The server forks, and the fork runs the script from its beginning,
with the script's arguments, folder, environment, terminal and ignored signals. The process that asked waits, passes
signals on, and ends as the fork ends: Snakemake sees no difference.

Only modules of others are imported in advance, so an edit of ours counts for the next job, as always. Only jobs with
one thread are forked: numerical libraries read the number of threads when they are loaded, and threads do not survive
a fork. Runs on a cluster, jobs with environments of their own, machines with a GPU and systems other than Linux have no
server: every script imports what it needs. A server in which a library has started a thread takes no script, which
then imports, too. GROWMERGE_FORK_SERVER=off in the environment of Snakemake does the same.

If the process that asked is killed, its fork is. If the server is, all forks are. The server ends after Snakemake and
the last fork.
"""

from __future__ import annotations

import atexit
import ctypes
import gc
import json
import os
import selectors
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path
from types import FrameType, ModuleType
from typing import IO, Any

# The environment variable that tells where the server listens: a folder, which only its owner can enter.
FOLDER = "GROWMERGE_FORK_SERVER"
OFF = "off"
SOCKET = "socket"
IMPORTED = (
    *("torch", "transformers.models.llama.modeling_llama", "tokenizers", "safetensors.torch"),
    *("pandas", "pyarrow.parquet", "pyarrow.compute", "pydantic", "yaml", "snakemake.script"),
)
# What numerical libraries read when they are loaded, and Snakemake sets for each job.
THREADS = "OMP_NUM_THREADS"
ALL_THREADS = (THREADS, *(f"{name}_NUM_THREADS" for name in ("GOTO", "OPENBLAS", "MKL", "NUMEXPR")))
# Arrow loads jemalloc, whose thread may hold a lock when the server forks: that fork would wait for it for ever.
NO_THREAD_OF_ARROW = {"JE_ARROW_MALLOC_CONF": "background_thread:false"}
PASSED_ON = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)
# Devices of Nvidia's and AMD's drivers, which do not survive a fork if an import asks them for GPUs.
GPUS = ("/dev/nvidiactl", "/dev/kfd")
DIE_WITH_PARENT, NAME = 1, 15  # prctl's PR_SET_PDEATHSIG and PR_SET_NAME (linux/prctl.h)
LENGTH, STATUS = struct.Struct("!Q"), struct.Struct("!i")
REFUSED = 256  # in place of an exit code


# Snakemake's process


def start() -> None:
    """Give the jobs of this process a server. It takes no time before a script asks for it."""
    if os.environ.get(FOLDER) == OFF or not hasattr(os, "pidfd_open") or any(Path(gpu).exists() for gpu in GPUS):
        return
    try:
        folder = tempfile.mkdtemp(prefix="growmerge-")
    except OSError:  # the disk is full
        return
    # -P: a folder `torch` in the working directory is not imported. The pipe to its input ends when this process does.
    command = [sys.executable, "-P", "-m", "growmerge.fork_server", folder]
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


# a script's process


def hand_over() -> None:
    """Let a fork of the server run this script, and end as it ends. Returns if no server takes it."""
    folder = os.environ.get(FOLDER, OFF)
    if folder == OFF or os.environ.get(THREADS) != "1":
        return
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.connect(f"{folder}/{SOCKET}")
    except OSError:
        return  # it has ended
    heeded = [number for number in PASSED_ON if signal.getsignal(number) != signal.SIG_IGN]
    task = Task(
        arguments=sys.argv,
        path=sys.path,
        folder=os.getcwd(),  # noqa: PTH109 (a text)
        environment={name: value for name, value in os.environ.items() if name != FOLDER},
        mask=_umask(),
        ignored=[int(number) for number in PASSED_ON if number not in heeded],
        pid=os.getpid(),
    )
    said = json.dumps(vars(task)).encode()

    passed: list[int] = []

    def pass_on(number: int, _: FrameType | None) -> None:
        passed.append(number)
        with suppress(OSError):
            connection.send(bytes([number]))

    signal.pthread_sigmask(signal.SIG_BLOCK, PASSED_ON)
    socket.send_fds(connection, [LENGTH.pack(len(said))], [0, 1, 2])
    connection.sendall(said)
    before = {number: signal.signal(number, pass_on) for number in heeded}
    signal.pthread_sigmask(signal.SIG_UNBLOCK, PASSED_ON)
    answer = connection.recv(STATUS.size)
    if len(answer) < STATUS.size:
        print("error: the server that jobs are forked from was killed, and with it this job", file=sys.stderr)
        os._exit(1)
    (status,) = STATUS.unpack(answer)
    if status != REFUSED:
        _end_as(status)
    connection.close()
    for number, handler in before.items():
        signal.signal(number, handler)
    for missed in passed:
        os.kill(os.getpid(), missed)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _end_as(status: int) -> None:
    """End this process with the exit code of another, or by the signal that has ended it (a negative number)."""
    if status < 0:
        with suppress(OSError):  # SIGKILL has no handler
            signal.signal(-status, signal.SIG_DFL)
        os.kill(os.getpid(), -status)
    os._exit(status)  # nothing has begun that would have to end


# the server


@dataclass
class Task:
    """A script that is to run: all that its process has from the outside, but for the terminal."""

    arguments: list[str]
    path: list[str]
    folder: str
    environment: dict[str, str]
    mask: int
    ignored: list[int]
    pid: int


@dataclass
class Fork:
    """A fork at work, and the connection to the process that waits for it."""

    pid: int
    handle: int  # a file descriptor of the process (pidfd), readable when it has ended
    connection: socket.socket
    note: Path

    def close(self) -> None:
        """Free what it holds."""
        self.connection.close()
        os.close(self.handle)


class Server:
    """Forks for each script that asks, until Snakemake has ended and all forks have."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(f"{folder}/{SOCKET}")
        self._listener.listen(128)
        self._forks: list[Fork] = []
        self._ready = self._alone = False
        self._open = True
        self._events = selectors.DefaultSelector()
        self._when(self._listener, self._asked)
        self._when(sys.stdin.fileno(), self._snakemake_has_ended)

    def serve(self) -> Task | None:
        """None at the end; in a fork, the task that it has to do."""
        while self._open or self._forks:
            for key, _ in self._events.select():
                if task := key.data():
                    return task
        return None

    def _when(self, file: int | socket.socket, react: Callable[[], Task | None]) -> None:
        """Call `react` when a file can be read, or has ended."""
        self._events.register(file, selectors.EVENT_READ, react)

    def _snakemake_has_ended(self) -> None:
        self._events.unregister(sys.stdin.fileno())
        self._open = False

    def _asked(self) -> Task | None:
        """A script asks. In the fork, its task; None in the server, which goes on whatever happens to one script."""
        connection, _ = self._listener.accept()
        server = os.getpid()
        try:
            task, files = receive(connection)
            if not self._ready:
                prepare()
                # A lock that another thread of some library holds would stay locked in a fork for ever.
                self._ready, self._alone = True, len(list(Path("/proc/self/task").iterdir())) == 1
            if not self._alone:
                for file in files:
                    os.close(file)
                connection.send(STATUS.pack(REFUSED))
                connection.close()
                return None
            pid = os.fork()
        except (OSError, ValueError):  # who asks was killed while it did; or there is no room for a process
            connection.close()
            return None
        if not pid:
            self._close()
            connection.close()
            become(task, files, server)
            return task
        for file in files:
            os.close(file)
        note = self.folder / str(task.pid)
        with suppress(OSError):  # the disk is full: this job is not measured
            note.write_text(str(pid))
        fork = Fork(pid, os.pidfd_open(pid), connection, note)
        self._forks.append(fork)
        self._when(fork.handle, partial(self._fork_has_ended, fork))
        self._when(connection, partial(self._told, fork))
        return None

    def _told(self, fork: Fork) -> None:
        """Pass signals on; if who waits has gone, kill the fork."""
        if fork not in self._forks:
            return  # it has ended since
        try:
            numbers = fork.connection.recv(64)
        except ConnectionError:
            numbers = b""
        for number in numbers or [signal.SIGKILL]:
            os.kill(fork.pid, number)
        if not numbers:
            self._events.unregister(fork.connection)

    def _fork_has_ended(self, fork: Fork) -> None:
        self._events.unregister(fork.handle)
        with suppress(KeyError):  # who waits has gone
            self._events.unregister(fork.connection)
        self._forks.remove(fork)
        _, status = os.waitpid(fork.pid, 0)
        fork.note.unlink(missing_ok=True)
        with suppress(OSError):
            fork.connection.send(STATUS.pack(os.waitstatus_to_exitcode(status)))
        fork.close()

    def _close(self) -> None:
        """Close all that a fork must not hold: who waits for another would never see that it has gone."""
        self._events.close()
        self._listener.close()
        for fork in self._forks:
            fork.close()


def receive(connection: socket.socket) -> tuple[Task, list[int]]:
    """What a script asks for, and its input, output and error output. Raises ValueError for less than that."""
    head, files, _, _ = socket.recv_fds(connection, LENGTH.size, 3)
    if len(head) < LENGTH.size:
        raise ValueError("nothing was asked")
    (length,) = LENGTH.unpack(head)
    return Task(**json.loads(connection.recv(length, socket.MSG_WAITALL))), files


def prepare(modules: Iterable[str] = IMPORTED) -> None:
    """Import what forks share, and keep the garbage collector from going through it again in each of them."""
    gc.disable()
    for module in modules:
        import_module(module)
    gc.freeze()
    gc.enable()


def become(task: Task, files: Iterable[int], server: int) -> None:
    """Make this process, a fork of the process `server`, one that the script could have been started in."""
    libc = ctypes.CDLL(None)
    libc.prctl(DIE_WITH_PARENT, signal.SIGKILL)
    if os.getppid() != server:
        os._exit(1)
    name = Path(task.arguments[0]).stem.rpartition(".")[2]  # of the process, for `top`
    libc.prctl(NAME, name.encode())
    # Not in the terminal's group: who asked passes Ctrl-C on, and it would come twice.
    os.setpgid(0, 0)
    for file, number in zip(files, (0, 1, 2), strict=True):
        os.dup2(file, number)
        os.close(file)
    for number in PASSED_ON:
        default = signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL
        signal.signal(number, signal.SIG_IGN if number in task.ignored else default)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, PASSED_ON)
    os.environ.clear()
    os.environ.update(task.environment)
    os.chdir(task.folder)
    os.umask(task.mask)
    sys.argv[:], sys.path[:] = task.arguments, task.path
    sys.stdout.reconfigure(line_buffering=os.isatty(1))  # type: ignore[union-attr]
    tempfile.tempdir = None  # the job may have another TMPDIR


def run(task: Task) -> None:
    """Run the script as `python script` does."""
    script = task.arguments[0]
    main = ModuleType("__main__")
    main.__file__ = script
    sys.modules["__main__"] = main
    exec(compile(Path(script).read_bytes(), script, "exec"), vars(main))


def main(folder: Path) -> None:
    """Serve, and in a fork do what was asked."""
    try:
        server = Server(folder)
    except OSError as error:  # such as a path that is too long for a socket
        sys.exit(f"each job imports for itself, as jobs cannot share imports ({folder}: {error})")
    # They are meant for its forks, which it outlives. In a fork they wait until it heeds them.
    signal.pthread_sigmask(signal.SIG_BLOCK, PASSED_ON)
    os.write(1, b"1")
    os.dup2(2, 1)
    task = server.serve()
    if task:
        run(task)
    else:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
