"""What a user does after a fault: what the message says, and then the same command again."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import time
from pathlib import Path
from random import Random

from faults.run import Run
from faults.study import RUN, STUDY
from growmerge.training.lease import trainers

REMOVE = re.compile(r"remove (results/\S+) (?:and rerun|to rebuild it)")
END_IT = re.compile(rf"on {re.escape(socket.gethostname())}[^`]*end them \(`(kill \d+)")
SAID = re.compile(
    r"(?:error|Error): .*|Error in rule \w+|results/\S+: .*; .*(?:remove|rerun).*|.*Wait until they have ended.*"
)
LONGEST = 160  # characters of what was said that are shown
PATIENCE = 60.0  # seconds that a user waits for the jobs of an earlier run


class User:
    """Follows messages. `removed` are the artifacts, or patterns, that it was told to remove."""

    def __init__(self, clone: Path, draw: Random) -> None:
        self.clone, self._draw = clone, draw
        self.removed: list[str] = []
        self.said: list[str] = []

    def follow(self, output: str) -> bool:
        """Do what the messages of a run that failed say; False if they say nothing that could be done."""
        self.said += notable(output)
        followed = False
        for path in dict.fromkeys(REMOVE.findall(output)):
            followed |= self._remove(path)
        if "--unlock" in output:
            self.command("--unlock")
            followed = True
        if ending := END_IT.search(output):
            if self._draw.random() < 0.5:
                subprocess.run(ending[1].split(), check=False, stderr=subprocess.DEVNULL)
            self._wait_for_trainings()
            followed = True
        return followed or "Wait until they have ended" in output

    def command(self, *arguments: str) -> str:
        """The output of a command that is not disturbed; "" if it went well. Raises Hangs."""
        run = Run(self.clone, *arguments, *RUN)
        run.wait()
        return run.output if run.process.returncode else ""

    def _remove(self, path: str) -> bool:
        found = sorted(self.clone.glob(path))
        for each in found:
            shutil.rmtree(each) if each.is_dir() else each.unlink()
        self.removed.append(path)
        return bool(found)

    def _wait_for_trainings(self) -> None:
        end = time.monotonic() + PATIENCE
        while trainers(self.clone / STUDY / "work") and time.monotonic() < end:
            time.sleep(0.2)


def notable(output: str) -> list[str]:
    """The lines of an output that say what is wrong or what to do, each once."""
    lines = (match[0].strip()[:LONGEST] for match in map(SAID.search, output.splitlines()) if match)
    return list(dict.fromkeys(lines))
