"""All comparisons of docs/speed.md, one after another: writes docs/measured/speed.csv, and from it the tables of pages.

    make speed [ARGUMENTS="--quick"]      (python speed/compare.py [--quick] [--only SCRIPT] [--pages])

Takes at most 20 minutes on two cores and 3 GB of a temporary folder; needs no network. Run it on a machine that does
nothing else. Both sides of a comparison take turns; a ratio is theirs over ours of one round, and the table has their
median and range. `--quick` runs each script once on little, to see that it works, and prints the table without
writing it. `--only` measures the rows of one script again and keeps the others. `--pages` only writes the tables of
docs/speed.md and README.md again.
"""

from __future__ import annotations

import argparse
import csv
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from lines import Row, read

from growmerge.provenance import processor

ROOT = Path(__file__).parents[1]
MEASURED = ROOT / "docs/measured/speed.csv"
BEGIN, END = "<!-- written by make speed -->", "<!-- end of what make speed writes -->"
COLUMNS = ("what", "other", "ratio", "low", "high", "rounds", "command", "measured")
WIDTH = 128  # characters of a line of a page
LOAD = re.compile(r"(?<=, load )[\d.]+(?= before\))")  # in what `machine` says
VERSIONS = ("torch", "transformers", "lm_eval", "minicons", "mergekit", "datasets", "fastokens", "snakemake")
# What is run, and the arguments with which it only shows that it works.
COMMANDS = {
    "speed/scoring.py --batch 1 16 32": "--pairs 40 --rounds 1 --batch 1 8",
    "speed/scoring.py --shape smollm2 --pairs 120 --batch 16 --ways harness": "--pairs 2 --rounds 1 --batch 1",
    "speed/merging.py --repeats 2 --only job,mergekit": "--repeats 1 --layers 1 --vocabulary 1024 --methods linear",
    "speed/training.py --rounds 10": "--rounds 1 --steps 8",
    "speed/tokenizing.py --megabytes 20": "--megabytes 1 --rounds 1",
    "speed/dry_run.py --rounds 3": "--rounds 1",
}


def measure(command: str, quick: str) -> list[Row]:
    """The comparisons that a script measured, in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        found = Path(folder) / "found.json"
        arguments = [*command.split(), *quick.split(), "--json", str(found)]
        environment = os.environ | {"PYTHONPATH": str(ROOT / "src"), "HF_HUB_OFFLINE": "1"}
        subprocess.run([sys.executable, *arguments], cwd=ROOT, check=True, env=environment)
        return read(found)


def summary(row: Row, command: str, when: str) -> dict[str, str]:
    """A row of the CSV: how many times as long theirs took, in each round."""
    ratios = [theirs / ours for ours, theirs in zip(row["ours"], row["theirs"], strict=True)]
    numbers = (statistics.median(ratios), min(ratios), max(ratios))
    values = (row["what"], row["other"], *(f"{n:.2f}" for n in numbers), str(len(ratios)), f"python {command}", when)
    return dict(zip(COLUMNS, values, strict=True))


def whole(rows: Sequence[dict[str, str]]) -> Iterator[str]:
    """The lines of docs/speed.md: all rows, and on what they were measured."""
    yield from ("| what | compared with | times as fast | range | rounds | command |", "|---|---|--:|--:|--:|---|")
    for row in rows:
        spread = f"{row['low']} to {row['high']}" if row["low"] else ""
        yield f"| {row['what']} | {row['other']} | {row['ratio']} | {spread} | {row['rounds']} | `{row['command']}` |"
    yield ""
    for when in conditions(row["measured"] for row in rows):
        yield from textwrap.wrap(f"Measured {when}.", WIDTH)


def conditions(measured: Iterable[str]) -> Iterator[str]:
    """When and on what rows were measured, each once; those that differ only in the load are one, with its range."""
    loads: dict[str, list[str]] = {}
    for when in measured:
        loads.setdefault(LOAD.sub("{}", when), []).extend(LOAD.findall(when))
    for text, found in loads.items():
        found.sort(key=float)
        yield text.replace("{}", " to ".join(dict.fromkeys([*found[:1], *found[-1:]])))


def short(rows: Sequence[dict[str, str]]) -> Iterator[str]:
    """The lines of README.md: for each thing that is done, the fastest of what it was compared with."""
    yield from ("| what | compared with | times as fast |", "|---|---|--:|")
    for what in dict.fromkeys(row["what"] for row in rows):
        row = min((row for row in rows if row["what"] == what), key=lambda row: float(row["ratio"]))
        yield f"| {what} | {row['other']} | {row['ratio']} |"


PAGES = {ROOT / "docs/speed.md": whole, ROOT / "README.md": short}


def page(text: str, lines: Iterable[str]) -> str:
    """The page with these lines in place of those that it has between the marks."""
    before, after = text.split(BEGIN)[0], text.split(END)[1]
    return "\n".join([f"{before}{BEGIN}", "", *lines, "", f"{END}{after}"])


def recorded() -> list[dict[str, str]]:
    """The rows of the CSV."""
    with MEASURED.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def write_pages() -> None:
    """Write the tables of all pages from the CSV."""
    rows = recorded()
    for path, lines in PAGES.items():
        path.write_text(page(path.read_text(encoding="utf-8"), lines(rows)), encoding="utf-8")


def machine() -> str:
    """When and on what this runs."""
    cores = len(os.sched_getaffinity(0))
    versions = ", ".join(f"{name} {version(name)}" for name in VERSIONS)
    hardware = f"{cores} cores ({processor()}, load {os.getloadavg()[1]:.1f} before)"
    return f"{datetime.now(UTC):%Y-%m-%d} on {hardware}; Python {platform.python_version()}, {versions}"


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", metavar="SCRIPT", choices=sorted({command.split()[0] for command in COMMANDS}))
    parser.add_argument("--pages", action="store_true")
    options = parser.parse_args()
    if not options.pages:
        start, when = time.monotonic(), machine()
        rows = [row for row in recorded() if options.only and options.only not in row["command"].split()]
        for command, quick in COMMANDS.items():
            if options.only not in (None, command.split()[0]):
                continue
            print(f"\n{(time.monotonic() - start) / 60:.1f} min: python {command}", flush=True)
            found = measure(command, quick if options.quick else "")
            rows += [summary(row, command, when) for row in found]
        if options.quick:
            print("\n".join(whole(rows)))
            return
        order = [command.split()[0] for command in COMMANDS]
        rows.sort(key=lambda row: order.index(row["command"].split()[1]))
        MEASURED.parent.mkdir(exist_ok=True)
        with MEASURED.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
    write_pages()


if __name__ == "__main__":
    main()
