"""The server, and what a fork of it does first: `python -m growmerge.fork_server.server FOLDER`."""

from __future__ import annotations

import atexit
import ctypes
import gc
import os
import selectors
import shutil
import signal
import socket
import sys
import tempfile
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import NoReturn

from growmerge.fork_server.protocol import PASSED_ON, REFUSED, SOCKET, STATUS, Task, receive

IMPORTED = (
    *("torch", "transformers.models.llama.modeling_llama", "tokenizers", "safetensors.torch"),
    *("pandas", "pyarrow.parquet", "pyarrow.compute", "pydantic", "yaml", "snakemake.script"),
    *("mergekit.merge_methods", "scipy.stats", "matplotlib.backends.backend_agg", "matplotlib.backends.backend_pdf"),
)
DIE_WITH_PARENT, NAME = 1, 15  # prctl's PR_SET_PDEATHSIG and PR_SET_NAME (linux/prctl.h)


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
        note = self.folder / str(task.pid)
        if not pid:
            self._close()
            connection.close()
            with suppress(OSError):  # the disk is full: this job is not measured
                note.write_text(str(os.getpid()))  # by the fork, so that it is there before the script does anything
            become(task, files, server)
            return task
        for file in files:
            os.close(file)
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


def end() -> NoReturn:
    """End a fork whose script has ended well, without taking the interpreter apart.

    That would free a million objects one by one. As they share their memory with the server, the kernel would copy all
    of it first: 0.4 CPU seconds a job. Threads are waited for and exit functions run in Python's order, as
    multiprocessing ends its forks. Objects that are still alive do not learn of it: a script has to close its files.
    """
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


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
        end()
    else:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
