"""How long one trial of a merge takes, and which share of a job of merges goes into merging.

    python speed/trial.py [--shape miniature] [--texts 200] [--rounds 5] [--threads 1] [--methods linear,ties]

Members and base (random weights near each other) and texts of made-up words, 240 bytes each, are made in a temporary
folder. A trial merges the members and asks for the bits per byte of the texts of one language, all in memory: what a
sweep over a method's parameters repeats; in turns with it, the same merge is written and read again, as it was before.
Then a whole job, as rule merge_and_score runs it, is taken apart: seconds in which a GPU that scores would idle, since
it reads, verifies and merges, and seconds of scoring. CPU seconds are those of this process and, for merging, of those
that it forks.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from shapes import PAPER, VOCABULARIES, shape
from transformers import LlamaForCausalLM

from growmerge.artifacts import publish
from growmerge.benchmarks.items import ITEMS, Item, read_items, write_items
from growmerge.config import load_files
from growmerge.config.models import Architecture
from growmerge.data.tokenizer import load_tokenizer, save_tokenizer, train_tokenizer
from growmerge.evaluation.encode import encode_items
from growmerge.evaluation.outcomes import bits_per_byte
from growmerge.evaluation.scorer import score_encoded
from growmerge.merging import combination
from growmerge.merging.blocks import workers
from growmerge.merging.inputs import Inputs
from growmerge.merging.merge import merge_in_memory, merge_models, merged_model
from growmerge.merging.recipe import Recipe
from growmerge.models.checkpoints import load_checkpoint, save_checkpoint
from growmerge.models.initialise import initialise, llama_config

LANGUAGES = ("ekk", "fao", "fas", "isl", "swe")
BYTES = 240  # of a text, as the miniature cuts them
SHAPES = ("miniature", "180M")
Cells = dict[tuple[str, str], Path]


def texts(count: int, words: list[str], seed: int) -> list[str]:
    """Texts of made-up words, frequent ones and rare ones, cut after so many bytes."""
    draw = random.Random(seed)
    weights = [1 / rank for rank in range(1, len(words) + 1)]
    return [" ".join(draw.choices(words, weights, k=BYTES // 3))[:BYTES] for _ in range(count)]


def make(folder: Path, architecture: Architecture, vocabulary: int, count: int) -> Cells:
    """Checkpoints `base` and one for each language, and the texts of each language as a benchmark."""
    draw = random.Random(0)
    words = ["".join(draw.choices("etaoinshrdlu", k=draw.randint(2, 9))) for _ in range(20_000)]
    with publish(folder / "tokenizer") as draft:
        save_tokenizer(train_tokenizer(texts(2000, words, 0), 4096), draft.folder)
    model = initialise(llama_config(architecture, vocabulary, 0, 0), 0)
    for seed, name in enumerate(("base", *LANGUAGES)):
        noise = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for parameter in model.parameters() if seed else ():
                parameter.add_(torch.randn(parameter.shape, generator=noise) * 0.01)
        with publish(folder / name) as draft:
            save_checkpoint(model, draft.folder, folder / "tokenizer")
    cells = {}
    for seed, code in enumerate(LANGUAGES):
        cells["bits_per_byte", code] = folder / "benchmarks" / code
        items = [Item(str(n), "", (text,)) for n, text in enumerate(texts(count, words, seed + 1))]
        with publish(cells["bits_per_byte", code]) as draft:
            write_items(items, draft.folder / ITEMS)
    return cells


def recipes(folder: Path, names: list[str]) -> dict[str, Recipe]:
    """The published methods of these names."""
    methods = [method for method in load_files(PAPER).merging.methods if method.name in names]
    members = {code: folder / code for code in LANGUAGES}
    return {method.name: Recipe(members, folder / "base", method, "float16", 42) for method in methods}


def used() -> float:
    """CPU seconds of this process and of its children that have ended."""
    times = os.times()
    return time.process_time() + times.children_user + times.children_system


class Parts:
    """Seconds and CPU seconds by what they went into; what is nested counts for the inner part."""

    def __init__(self) -> None:
        self.wall: dict[str, float] = {}
        self.cpu: dict[str, float] = {}
        self._inside: list[str] = []

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """What is done within it goes into `name`."""
        wall, cpu = time.perf_counter(), used()
        yield_to = self._inside[-1] if self._inside else None
        self._inside.append(name)
        try:
            yield
        finally:
            self._inside.pop()
            for found, taken in ((self.wall, time.perf_counter() - wall), (self.cpu, used() - cpu)):
                found[name] = found.get(name, 0.0) + taken
                if yield_to:
                    found[yield_to] = found.get(yield_to, 0.0) - taken


def in_memory(recipe: Recipe, inputs: Inputs, scratch: Path) -> LlamaForCausalLM:
    """A merge as a model, as jobs make it today."""
    with workers() as crew:
        tensors = merge_in_memory({"": recipe}, inputs, crew)[""]
    return merged_model(recipe, tensors, "cpu")


def through_the_disk(recipe: Recipe, inputs: Inputs, scratch: Path) -> LlamaForCausalLM:
    """A merge that is written and read again, as jobs made it before."""
    merge_models({scratch: recipe}, inputs)
    return load_checkpoint(scratch)


WAYS = {"in memory": in_memory, "through the disk": through_the_disk}


def trials(merges: dict[str, Recipe], cell: tuple[str, str], benchmark: Path, rounds: int, scratch: Path) -> None:
    """Time trials of each method, both ways in turns, and print medians in CPU seconds."""
    parts = Parts()
    with parts.part("once"):
        with workers() as crew:
            inputs = Inputs([path for merge in merges.values() for path in merge.checkpoints], crew)
        tokenizer, begin, _ = load_tokenizer(next(iter(merges.values())).checkpoints[0])
        encoded = encode_items(tokenizer, {cell: read_items(benchmark / ITEMS)}, bos_id=begin)
    print(f"Verifying members and tokenizing texts, once: {parts.cpu['once']:.2f} CPU seconds\n")
    print("| a trial, in CPU seconds | merge | score | together | bits per byte |\n|---|---|---|---|---|")
    for name, recipe in merges.items():
        taken: dict[str, list[tuple[float, float]]] = {way: [] for way in WAYS}
        values = set()
        for _ in range(rounds):
            for way, make_model in WAYS.items():
                parts = Parts()
                with parts.part("merge"):
                    model = make_model(recipe, inputs, scratch)
                with parts.part("score"):
                    values.add(bits_per_byte(score_encoded(model, encoded).to_pandas()))
                taken[way].append((parts.cpu["merge"], parts.cpu["score"]))
        (value,) = values
        for way, seconds in taken.items():
            merge, score = map(statistics.median, zip(*seconds, strict=True))
            print(f"| {name}, {way} | {merge:.3f} | {score:.3f} | {merge + score:.3f} | {value:.3f} |", flush=True)


def job(merges: dict[str, Recipe], cells: Cells, folder: Path) -> None:
    """Run a job of merges and print what its seconds went into."""
    parts = Parts()

    def timed(name: str, function: str) -> None:
        original = getattr(combination, function)

        def within(*arguments: object, **named: object) -> object:
            with parts.part(name):
                return original(*arguments, **named)

        setattr(combination, function, within)

    for name, function in (
        ("merging", "merge_in_memory"),
        ("model from memory", "merged_model"),
        ("reading and verifying members", "Inputs"),
        ("scoring, and writing scores", "update_scores"),
    ):
        timed(name, function)
    with parts.part("rest"):
        combination.merge_and_score(
            merges, cells=cells, scores={name: folder / "scores" / name for name in merges},
            work=folder / "work", tokens_per_batch=2048,
        )  # fmt: skip
    total, cpu = sum(parts.wall.values()), sum(parts.cpu.values())
    print(f"\n| a job of {len(merges)} merges | seconds | share | CPU seconds | share |\n|---|---|---|---|---|")
    for name, seconds in parts.wall.items():
        print(
            f"| {name} | {seconds:.2f} | {seconds / total:.0%} | {parts.cpu[name]:.2f} | {parts.cpu[name] / cpu:.0%} |"
        )
    print(f"| all | {total:.2f} | | {cpu:.2f} | |")
    peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    print(f"\nPeak memory: {int(peak.split()[1]) / 1e6:.2f} GB")


def main() -> None:
    """Print a table of trials, and one of a job."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shape", choices=SHAPES, default="miniature")
    parser.add_argument("--texts", type=int, default=200, help="of each language")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--methods", default="linear,task_arithmetic,ties,dare_ties,multislerp")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        cells = make(folder, shape(options.shape), VOCABULARIES[options.shape], options.texts)
        merges = recipes(folder, options.methods.split(","))
        if options.rounds:
            cell = next(iter(cells))
            trials(merges, cell, cells[cell], options.rounds, folder / "merge")
        job(merges, cells, folder)


if __name__ == "__main__":
    main()
