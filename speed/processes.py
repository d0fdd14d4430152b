"""What a program takes in a process of its own: seconds of the processor, and memory."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Run:
    """What a program took (seconds of the processor, MiB), and what it printed."""

    seconds: float
    memory: float
    output: str


def run(command: list[str], folder: Path) -> Run:
    """Run it in a folder, on this clone's sources. If it fails, prints what it said and raises CalledProcessError."""
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    with tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen(command, cwd=folder, stdout=output, stderr=subprocess.STDOUT, env=environment)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        text = output.read()
    if process.returncode:
        sys.stderr.write(text)
        raise subprocess.CalledProcessError(process.returncode, command, text)
    return Run(used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, text)
