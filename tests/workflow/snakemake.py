"""Runs the workflow as a user does, in a copy of the repository."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
LAPTOP = ["--profile", "laptop", "--nocolor"]


def copy_of_the_repository(folder: Path) -> Path:
    """What a clone would hold, with the working tree's edits: tracked and new files, nothing that is ignored."""
    listing = ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    for name in subprocess.run(listing, capture_output=True, check=True).stdout.decode().split("\0"):
        if name and (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    return folder


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "snakemake", *arguments]


def snakemake(folder: Path, *arguments: str, fails: bool = False) -> str:
    """Output of a run, which must end well (or must fail)."""
    result = subprocess.run(
        command(*arguments), cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    assert (result.returncode != 0) == fails, result.stdout[-6000:]
    return result.stdout


def job_counts(output: str) -> dict[str, int]:
    """The job table that Snakemake prints: rule -> number of jobs."""
    if "Nothing to be done" in output:
        return {}
    table = re.search(r"^Job stats:\njob +count\n[- ]+\n(.*?)\n\n", output, re.DOTALL | re.MULTILINE)
    assert table, output[-3000:]
    counts = dict(line.split() for line in table.group(1).splitlines())
    return {rule: int(count) for rule, count in counts.items() if rule not in ("total", "all")}
