"""The parts of the GPU check: which program each runs, how long it may take, and what it leaves behind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

from lines import Row


@dataclass(frozen=True)
class Part:
    """A program that writes its rows (lines.py) to a file; `limit` is in seconds.

    `rows` reads them if the file is another one. `tiny` replaces `full` on a CPU.
    """

    name: str
    limit: int
    program: tuple[str, ...]
    full: tuple[str, ...] = ()
    tiny: tuple[str, ...] = ()
    output: str = "--json"
    ending: str = "jsonl"
    rows: Callable[[Path], list[Row]] | None = None

    def command(self, found: Path, tiny: bool) -> list[str]:
        """The arguments of Python."""
        output = [f"{self.output}={found}"] if self.output.startswith("--junit") else [self.output, str(found)]
        return [*self.program, *(self.tiny if tiny else self.full), *output]


@dataclass(frozen=True)
class Outcome:
    """What a part found, in how many seconds, and what went wrong (empty: nothing)."""

    name: str
    rows: list[Row] = field(default_factory=list)
    seconds: float = 0.0
    fault: str = ""


def tests(file: Path) -> list[Row]:
    """The tests that pytest ran, from its report in JUnit's XML."""
    if not file.exists():
        return []
    rows: list[Row] = []
    for case in ElementTree.parse(file).iter("testcase"):
        outcome, message = "passed", ""
        for kind in ("failure", "error", "skipped"):
            if (element := case.find(kind)) is not None:
                outcome, message = kind, " ".join(element.get("message", "").split())[:300]
        rows.append({"test": case.get("name"), "outcome": outcome, "message": message})
    return rows


_SMALL = ("--vocabulary", "320")
PARTS = (
    Part(
        "training",
        190,
        ("speed/training_gpu.py",),
        ("--steps", "20", "--batch-sequences", "32", "--micro-batch", "16", "--limit", "75"),
        ("--shapes", "tiny", "--steps", "6", "--sequence-length", "64", *_SMALL, "--batch-sequences", "4",
         "--micro-batch", "2", "--no-compile"),
    ),
    Part(
        "tests",
        130,
        ("-m", "pytest", "-vv", "-m", "gpu", "-p", "no:cacheprovider", "tests/unit/test_gpu.py",
         "tests/unit/test_merging.py"),
        output="--junitxml",
        ending="xml",
        rows=tests,
    ),
    Part(
        "scoring",
        60,
        ("speed/scoring_gpu.py",),
        ("--pairs", "5000"),
        ("--shape", "tiny", *_SMALL, "--pairs", "100", "--slots", "2048", "--batch", "64"),
    ),
    Part(
        "merging",
        50,
        ("speed/merging_gpu.py",),
        ("--methods", "linear", "task_arithmetic", "multislerp", "ties", "dare_ties"),
        ("--shape", "tiny", *_SMALL),
    ),
    Part(
        "head",
        50,
        ("speed/head.py",),
        ("--shapes", "180M", "572M", "--tokens", "32768", "--precision", "bf16", "--compile"),
        ("--shapes", "tiny", *_SMALL, "--tokens", "64", "--precision", "bf16", "--ways", "ours", "torch"),
    ),
)  # fmt: skip
