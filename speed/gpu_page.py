"""The page of the GPU check: which machine, which targets are met, and what each part found or why it failed."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

import torch
from gpu_parts import Outcome
from lines import Row

UTILISATION = {"180M": 0.40, "572M": 0.45}  # shares of bf16 peak, to be met by our loop
FASTER = 5.0  # times the harness, in its best batches
SCORERS = ("growmerge", "harness")  # how their ways to score are named
NOT_RUN = (
    "**This was not run on a GPU.** It ran on a CPU{tiny}, which shows that every part runs. The numbers say nothing "
    "about a GPU; `make gpu-check` on a machine with one makes the page that does."
)
# The columns of each part's table: heading, and how it is read off a row.
Column = tuple[str, Callable[[Row], str]]


def machine(root: Path, on_gpu: bool, tiny: bool) -> list[str]:
    """What the measurements were made on and of, as lines of Markdown."""
    device = torch.cuda.get_device_name(0) if on_gpu else f"CPU, {os.cpu_count()} cores"
    cuda = f", CUDA {torch.version.cuda}" if on_gpu else ""
    about = f"{date.today()}, commit {_commit(root)}, {device}, torch {torch.__version__}{cuda}."
    return [about] if on_gpu else [NOT_RUN.format(tiny=" with tiny models" if tiny else ""), "", about]


def _commit(root: Path) -> str:
    command = ["git", "describe", "--always", "--dirty"]
    try:
        return subprocess.run(command, cwd=root, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def page(about: Sequence[str], outcomes: Sequence[Outcome]) -> str:
    """The page as Markdown."""
    lines = ["# GPU check", "", *about, "", "## Targets", "", *table(targets(outcomes), TARGETS)]
    for outcome in outcomes:
        lines += ["", f"## {outcome.name.capitalize()}", "", f"{outcome.seconds:.0f} seconds."]
        if outcome.fault:
            lines += ["", f"**Failed:** {outcome.fault}"]
        if outcome.rows:
            lines += ["", *table(outcome.rows, COLUMNS[outcome.name])]
    return "\n".join(lines) + "\n"


def targets(outcomes: Sequence[Outcome]) -> list[Row]:
    """Each target, what was measured (None: nothing) and whether it is met."""
    rows = {outcome.name: outcome.rows for outcome in outcomes}
    found: list[Row] = []
    for shape, share in UTILISATION.items():
        used = [
            r.get("model_flops_utilisation") for r in rows.get("training", ()) if _is(r, shape=shape, engine="ours")
        ]
        found.append(_target(f"training {shape}: share of bf16 peak", share, used[0] if used else None))
    speeds = {row["way"]: row["pairs_per_second"] for row in rows.get("scoring", ()) if "pairs_per_second" in row}
    ours, best = (max((s for way, s in speeds.items() if way.startswith(name)), default=None) for name in SCORERS)
    found.append(_target("scoring: times the harness in its best batches", FASTER, ours and best and ours / best))
    return found


def _target(what: str, least: float, measured: float | None) -> Row:
    met = None if measured is None else measured >= least
    return {"what": what, "least": least, "measured": measured, "met": met}


def table(rows: Sequence[Row], columns: Sequence[Column]) -> list[str]:
    """Lines of a table; a row that `failed` says so in its last column."""
    lines = [f"| {' | '.join(name for name, _ in columns)} |", "|---" * len(columns) + "|"]
    for row in rows:
        cells = [read(row) for _, read in columns]
        if "failed" in row:
            cells[-1] = f"failed: {row['failed']}"
        lines.append(f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |")
    return lines


def _is(row: Row, **values: str) -> bool:
    return all(row.get(key) == value for key, value in values.items())


def _of(key: str, form: str = "{}") -> Callable[[Row], str]:
    """The value of a key in a form; a dash where there is none."""
    return lambda row: "-" if row.get(key) is None else form.format(row[key])


def _met(row: Row) -> str:
    return {None: "not measured", True: "yes", False: "no"}[row["met"]]


TARGETS: list[Column] = [
    ("target", _of("what")),
    ("at least", _of("least", "{:.2f}")),
    ("measured", _of("measured", "{:.2f}")),
    ("met", _met),
]
COLUMNS: dict[str, list[Column]] = {
    "training": [
        ("shape", _of("shape")),
        ("engine", _of("engine")),
        ("micro-batch", _of("micro_batch")),
        ("tokens/s", _of("tokens_per_second", "{:,.0f}")),
        ("of bf16 peak", _of("model_flops_utilisation", "{:.1%}")),
        ("peak memory (MB)", _of("peak_memory_mb", "{:,.0f}")),
    ],
    "tests": [("test", _of("test")), ("outcome", _of("outcome")), ("message", _of("message"))],
    "scoring": [
        ("way", _of("way")),
        ("pairs", _of("pairs")),
        ("pairs/s", _of("pairs_per_second", "{:,.0f}")),
        ("largest difference (nats)", _of("differs", "{:.1e}")),
    ],
    "merging": [
        ("method", _of("method")),
        ("draws at random", _of("draws")),
        ("CPU (s)", _of("cpu_seconds", "{:.2f}")),
        ("GPU (s)", _of("cuda_seconds", "{:.2f}")),
        ("largest difference", _of("differs", "{:.1e}")),
    ],
    "head": [
        ("shape", _of("shape")),
        ("way", _of("way")),
        ("ms", lambda row: f"{1000 * row['seconds']:.1f}" if "seconds" in row else "-"),
        ("memory beyond (MB)", _of("memory_mb", "{:,.0f}")),
        ("error of the states' gradient", _of("error_of_states", "{:.1e}")),
        ("of the weight's", _of("error_of_weight", "{:.1e}")),
    ],
}
