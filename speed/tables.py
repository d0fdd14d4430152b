"""Time and memory of the tables of many merges: scores.parquet and contrasts.parquet, from made-up score files.

    python speed/tables.py [--models 250 1000 4000] [--folder DIR]

Run by hand. Every merge has items of three languages: 200 minimal pairs and 100 parallel sentences in each, ten kinds
of values. The table gives seconds of the processor and the largest memory; if they grow with the number of models, not
with its square, the columns "for each model" stay as they are. `--folder` keeps the score files for another run.
"""

from __future__ import annotations

import argparse
import itertools
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from processes import Run, run

from growmerge import ids
from growmerge.artifacts import write_manifest
from growmerge.study.grid import Model

LANGUAGES = ("swe", "isl", "ekk")
METHODS = ("linear", "ties")
KINDS = 10
MEASURED = {"pairs": ("acceptability", "sum"), "parity": ("parity", "sum")}


def models(count: int) -> Iterator[Model]:
    """Experts of three languages in two setups, and merges of each with made-up others, `count` in all."""
    setups = ("1x", "2x")
    for setup, code in itertools.product(setups, LANGUAGES):
        yield Model(ids.adapted(setup, code), "model", (), 1, setup, code, languages=(code,))
    left = count - len(setups) * len(LANGUAGES)
    for n in itertools.count():
        for setup, method in itertools.product(setups, METHODS):
            if not left:
                return
            left -= 1
            languages = tuple(sorted((LANGUAGES[n % 3], f"x{n:05}")))
            target = ids.combination(languages)
            yield Model(ids.merge(setup, languages, method), "merge", (), 1, setup, target, method, languages)


def items(rng: np.random.Generator) -> pd.DataFrame:
    """The rows of items.parquet."""
    cells = [("pairs", 2, 200), ("parity", 1, 100)]
    rows = [
        (benchmark, language, f"{item:04}", f"group-{item % 4}/kind", candidate)
        for benchmark, candidates, number in cells
        for language in LANGUAGES
        for item in range(number)
        for candidate in range(candidates)
    ]
    frame = pd.DataFrame(rows, columns=["benchmark", "language", "item", "subset", "candidate"])
    return frame.assign(logprob=-rng.gamma(8.0, 5.0, len(frame)), tokens=12, characters=50, bytes=55)


def write_scores(folder: Path, count: int) -> None:
    """Score folders of so many models; equal files are links."""
    rng = np.random.default_rng(1)
    kinds = []
    for kind in range(KINDS):
        kinds.append(folder / f"kind-{kind}")
        kinds[-1].mkdir(parents=True, exist_ok=True)
        items(rng).to_parquet(kinds[-1] / "items.parquet", index=False)
        write_manifest(kinds[-1] / "manifest.json", ["items.parquet"])
    reference = items(rng)
    reference = reference[reference["benchmark"] == "parity"].assign(benchmark=ids.parity_reference("parity"))
    (folder / "reference").mkdir(exist_ok=True)
    reference.to_parquet(folder / "reference/items.parquet", index=False)
    write_manifest(folder / "reference/manifest.json", ["items.parquet"])
    for n, model in enumerate(models(count)):
        own = folder / model.id
        if not own.exists():
            own.mkdir(parents=True)
            for name in ("items.parquet", "manifest.json"):
                os.link(kinds[n % KINDS] / name, own / name)


def make(table: str, folder: Path, count: int) -> None:
    """Write one of the tables into the folder."""
    from growmerge.tables.contrasts import write_contrasts
    from growmerge.tables.tables import write_table

    chosen, references = list(models(count)), [folder / "reference/items.parquet"]
    options: dict[str, Any] = {"resamples": 1000, "seed": 1, "measured": MEASURED}
    path = folder / f"{table}.parquet"
    if table == "scores":
        write_table(chosen, folder, references, path, parity="mean_of_ratios", **options)
    else:
        write_contrasts(chosen, folder, references, path, baseline="linear", english="eng", same_cost=[], **options)


def measured(table: str, folder: Path, count: int) -> Run:
    """What a table takes in a process of its own."""
    command = [sys.executable, __file__, "--make", table, "--folder", str(folder), "--models", str(count)]
    return run(command, Path.cwd())


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--models", type=int, nargs="+", default=[250, 1000, 4000])
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--make", choices=["scores", "contrasts"], help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.make:
        make(options.make, options.folder, options.models[0])
        return
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.folder or Path(scratch)
        write_scores(folder, max(options.models))
        print("| table | models | seconds | ms for each model | MiB | kB for each model |\n|---|--:|--:|--:|--:|--:|")
        for table in ("scores", "contrasts"):
            base = measured(table, folder, 10).memory
            for count in options.models:
                took = measured(table, folder, count)
                seconds = f"{took.seconds:.1f} | {1000 * took.seconds / count:.1f}"
                memory = f"{took.memory:.0f} | {1024 * (took.memory - base) / count:.0f}"
                print(f"| {table} | {count} | {seconds} | {memory} |", flush=True)


if __name__ == "__main__":
    main()
