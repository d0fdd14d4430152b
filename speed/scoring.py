"""Minimal pairs side by side: our engine, lm-evaluation-harness and minicons, same model, same pairs, on the CPU.

    python speed/scoring.py [--pairs 2000 20000] [--rounds 3] [--batch 1 16 64 256] [--threads 1]
        [--shape smollm2 | --model FOLDER] [--ways harness minicons] [--json FILE]

The pairs are sentences of the docstrings and comments of Python's standard library against themselves with two words
exchanged; the model is the miniature's (hidden size 64, 3 layers, 4,096 entries, random weights) unless another shape
or a folder is given. Ways take turns, each library in a process of its own (turns.py), without loading libraries and
model. Seconds are the processor's, of all threads, so that other work on the machine counts little.

Two things are timed: an evaluation, from pairs in memory to their accuracy, as rule score_model and the harness's
`evaluate` (the task is its own of BLiMP) do it; and what is inside it, the log-probabilities of the texts alone, as its
model's `loglikelihood` gives them. Printed are the medians of the rounds, how far the accuracies or log-probabilities
are apart, and two floors: what share of the time that the matrix products of a forward pass take at the speed of a
large product measured here, with every text by itself ("apart", what the others compute), and with what several texts
begin with only once ("shared").

The harness and minicons (log-probabilities alone, of texts sorted by length) run with each of the batches (texts) of
--batch; 1 is the harness's default.
"""

from __future__ import annotations

import argparse
import ast
import itertools
import re
import statistics
import tempfile
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import Executor
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import torch
from lines import add_comparison
from scorers import CELL, OTHERS, OURS, prepare, timed
from shapes import VOCABULARIES, shape
from transformers import LlamaConfig
from turns import process

from growmerge.benchmarks.items import Item
from growmerge.benchmarks.made.word_order import word_order_pairs
from growmerge.config.models import Architecture
from growmerge.data.documents import Document
from growmerge.data.sources import read_stdlib_code
from growmerge.data.tokenizer import load_tokenizer, save_tokenizer, train_tokenizer
from growmerge.evaluation.encode import encode_items
from growmerge.evaluation.packing import common_length
from growmerge.models.checkpoints import save_checkpoint
from growmerge.models.initialise import initialise, llama_config
from growmerge.study.flops import forward_flops

# The tokenizer has 4,096 entries for both: there is no text here to train a larger one on.
SHAPES = ("miniature", "smollm2")

NAMES = {"harness": "lm-evaluation-harness", "minicons": "minicons"}


def sentences() -> Iterator[Document]:
    """Different sentences of docstrings and comments of the standard library."""
    seen: set[str] = set()
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    for file in read_stdlib_code(10**9):
        nodes = [node for node in ast.walk(ast.parse(file.text)) if isinstance(node, documented)]
        comments = re.findall(r"(?:^[ \t]*# .*\n)+", file.text, re.MULTILINE)
        for text in [*(ast.get_docstring(node) or "" for node in nodes), *comments]:
            for sentence in re.split(r"(?<=[.!?])\s+|\n\s*\n", text.replace("#", " ")):
                plain = " ".join(sentence.split())
                if plain not in seen:
                    seen.add(plain)
                    yield Document(str(len(seen)), plain)


def make_model(name: str, documents: list[Document], folder: Path) -> Path:
    """A checkpoint of that shape with random weights, and a tokenizer for these documents."""
    config = llama_config(shape(name), VOCABULARIES[name], 0, 0)
    (folder / "tokenizer").mkdir()
    save_tokenizer(train_tokenizer((document.text for document in documents), 4096), folder / "tokenizer")
    (folder / "model").mkdir()
    save_checkpoint(initialise(config, 1), folder / "model", folder / "tokenizer")
    return folder / "model"


def peak() -> float:
    """FLOP/s of a large matrix product in fp32, the best of some."""
    one = torch.randn(1024, 1024)
    seconds = []
    for _ in range(10):
        start = time.process_time()
        one @ one
        seconds.append(time.process_time() - start)
    return 2 * 1024**3 / min(seconds)


def least_flops(folder: Path, items: list[Item]) -> tuple[float, float]:
    """FLOPs of a forward pass over every text, after BOS and without its last token: apart, and shared.

    Shared, a text costs what its length costs beyond that of what it has in common with the text before it.
    """
    config = LlamaConfig.from_pretrained(folder)
    names = Architecture.model_fields
    architecture = Architecture(**{name: value for name, value in config.to_dict().items() if name in names})
    tokenizer, begin, _ = load_tokenizer(folder)
    requests = encode_items(tokenizer, {CELL: items}, bos_id=begin).requests
    texts = sorted(request.inputs for request in requests)
    cost = [forward_flops(architecture, config.vocab_size, 1, 1, length) for length in range(max(map(len, texts)) + 1)]
    apart = sum(cost[len(text)] for text in texts)
    return apart, apart - sum(cost[common_length(one, other)] for one, other in itertools.pairwise(texts))


def compare(
    part: str, ways: Mapping[str, Executor], folder: Path, items: list[Item], rounds: int, what: str, file: Path | None
) -> None:
    """Time the ways, each in its process, and print a table, and how ours compares with each other in its best batches.

    A way is our engine, or a library and its batch. Comparisons in the best batches, and those in batches of 1, go into
    the file.
    """
    seconds: dict[str, list[float]] = {way: [] for way in ways}
    found: dict[str, list[float]] = {}
    fastest = 0.0
    for _ in range(rounds):
        fastest = max(fastest, peak())
        for way, executor in ways.items():
            name, _, batch = way.partition(" ")
            arguments = (part, name, int(batch) if batch else None, folder, items)
            taken, found[way] = executor.submit(timed, *arguments).result()
            seconds[way].append(taken)
    medians = {way: statistics.median(times) for way, times in seconds.items()}
    apart, shared = (number / fastest for number in least_flops(folder, items))
    print(f"{len(items)} pairs, {fastest / 1e9:.0f} GFLOP/s, floors {apart:.1f} s apart, {shared:.1f} s shared")
    print(f"{'way':>13} {'pairs/s':>8} {'apart':>6} {'shared':>6} {'differs':>8}  seconds of each round")
    for way, times in seconds.items():
        differs = np.abs(np.subtract(found[way], found[OURS])).max()
        print(
            f"{way:>13} {len(items) / medians[way]:8.0f} {apart / medians[way]:6.0%} "
            f"{shared / medians[way]:6.0%} {differs:8.1e}  {' '.join(f'{s:.1f}' for s in times)}"
        )
    ratios = {tuple(way.split()): median / medians[OURS] for way, median in medians.items() if way != OURS}
    for other in dict.fromkeys(way for way, _ in ratios):
        best, batch = min((ratio, batch) for (way, batch), ratio in ratios.items() if way == other)
        default = f", and {ratios[other, '1']:.1f} times as in batches of 1" if (other, "1") in ratios else ""
        print(f"{OURS} is {best:.1f} times as fast as {other} in its best batches, of {batch}{default}", flush=True)
        for name in dict.fromkeys([batch, "1"]):
            if theirs := seconds.get(f"{other} {name}"):
                add_comparison(file, what, f"{NAMES[other]}, batches of {name}", seconds[OURS], theirs)


def main() -> None:
    """Print two tables for each number of pairs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, nargs="+", default=[2000])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--batch", type=int, nargs="+", default=[1, 16, 64, 256], help="texts, for all but our engine")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--shape", choices=SHAPES, default="miniature", help="of a model with random weights")
    parser.add_argument("--model", type=Path, help="folder of a Llama, instead of a shape")
    parser.add_argument("--ways", nargs="+", choices=NAMES, default=list(NAMES), help="beside our engine")
    parser.add_argument("--json", type=Path, help="a file that gets the comparisons")
    options = parser.parse_args()
    prepare(options.threads)
    documents = list(sentences())
    pairs = word_order_pairs(documents, max(options.pairs), seed=1)
    with tempfile.TemporaryDirectory() as scratch, ExitStack() as stack:
        folder = options.model or make_model(options.shape, documents[:20_000], Path(scratch))
        names = [OURS, *options.ways]
        processes = {name: stack.enter_context(process(name == OURS, prepare, options.threads)) for name in names}
        for count, (part, others) in itertools.product(options.pairs, OTHERS.items()):
            ways = {OURS: processes[OURS]}
            for name, batch in itertools.product(options.ways, options.batch):
                if name in others:
                    ways[f"{name} {batch}"] = processes[name]
            print(f"\n{part}: ", end="")
            what = f"{part.lower()}, {count:,} minimal pairs, model {options.model or options.shape}"
            compare(part, ways, folder, pairs[:count], options.rounds, what, options.json)


if __name__ == "__main__":
    main()
