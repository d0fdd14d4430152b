"""How long a dry-run of a grid takes, against Snakemake's own start-up on an empty workflow.

    python speed/dry_run.py [--rounds 5] [-- --profile laptop]

Run by hand, in a clone without results. The two alternate; the table gives medians, the time a job beyond the start-up
(target: at most 2.5 ms), and the largest memory (target: under 400 MB).
"""

from __future__ import annotations

import argparse
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]


def dry_run(folder: Path, arguments: list[str]) -> tuple[float, str]:
    """Seconds and output of `snakemake -n`."""
    start = time.monotonic()
    command = [sys.executable, "-m", "snakemake", "-n", "--nocolor", *arguments]
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    return time.monotonic() - start, result.stdout + result.stderr


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("arguments", nargs="*", help="for Snakemake, such as --profile laptop")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        empty = Path(scratch)
        (empty / "Snakefile").write_text("rule all:\n    output: 'all'\n    shell: 'touch {output}'\n")
        ours, theirs, output = [], [], ""
        for _ in range(options.rounds):
            theirs.append(dry_run(empty, [])[0])
            seconds, output = dry_run(ROOT, ["all", *options.arguments])
            ours.append(seconds)
    found = re.search(r"^total +(\d+)$", output, re.MULTILINE)
    jobs = int(found.group(1)) if found else 0
    grid, start_up = statistics.median(ours), statistics.median(theirs)
    memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"empty workflow {start_up:.2f} s, {jobs} jobs {grid:.2f} s (medians of {options.rounds})")
    print(f"{1000 * (grid - start_up) / max(jobs, 1):.2f} ms a job beyond the start-up, {memory:.0f} MB at most")


if __name__ == "__main__":
    main()
