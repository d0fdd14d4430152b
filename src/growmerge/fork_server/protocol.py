"""What a script and the server say to one another."""

from __future__ import annotations

import json
import signal
import socket
import struct
from dataclasses import dataclass

# The environment variable that tells where the server listens: a folder, which only its owner can enter.
FOLDER = "GROWMERGE_FORK_SERVER"
OFF = "off"
SOCKET = "socket"
THREADS = "OMP_NUM_THREADS"
PASSED_ON = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)
LENGTH, STATUS = struct.Struct("!Q"), struct.Struct("!i")
REFUSED = 256  # in place of an exit code


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


def receive(connection: socket.socket) -> tuple[Task, list[int]]:
    """What a script asks for, and its input, output and error output. Raises ValueError for less than that."""
    head, files, _, _ = socket.recv_fds(connection, LENGTH.size, 3)
    if len(head) < LENGTH.size:
        raise ValueError("nothing was asked")
    (length,) = LENGTH.unpack(head)
    return Task(**json.loads(connection.recv(length, socket.MSG_WAITALL))), files
