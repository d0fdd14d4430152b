"""A script's side: it lets a fork of the server do its work, and ends as the fork ends."""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
from contextlib import suppress
from types import FrameType

from growmerge.fork_server.protocol import FOLDER, LENGTH, OFF, PASSED_ON, REFUSED, SOCKET, STATUS, THREADS, Task


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
