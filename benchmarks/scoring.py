"""Scoring side by side: our engine, lm-evaluation-harness and minicons, same model, same minimal pairs, on the CPU.

    python benchmarks/scoring.py [--pairs 2000 20000] [--rounds 3] [--batch 1 16 64 256] [--threads 1]
        [--shape smollm2 | --model FOLDER] [--ways growmerge harness]

The pairs are sentences of the docstrings and comments of Python's standard library against themselves with two words
exchanged; the model is the miniature's (hidden size 64, 3 layers, 4,096 entries, random weights) unless another shape
or a folder is given. All ways run in one process, in turns; a round of one is tokenization and scoring of all pairs,
without loading libraries and model. Seconds are the processor's, of all threads, so that other work on the machine
counts little. Prints the medians of the rounds, how far the log-probabilities are apart, and two floors: what share of
the time that the matrix products of a forward pass take at the speed of a large product measured here, with every text
by itself ("apart", what the others compute), and with what several texts begin with only once ("shared").

The harness gets its requests as its tasks make them. It and minicons, which is given texts sorted by length, run with
each of the batches (texts) of --batch; 1 is the harness's default.
"""

from __future__ import annotations

import argparse
import ast
import logging
import re
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from transformers import AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase

from growmerge.config.schema import Architecture
from growmerge.data.documents import Document
from growmerge.data.sources import read_stdlib_code
from growmerge.data.tokenizer import load_tokenizer, save_tokenizer, train_tokenizer
from growmerge.evaluation.builders.word_order import word_order_pairs
from growmerge.evaluation.encode import encode_items
from growmerge.evaluation.items import Item
from growmerge.evaluation.packing import common_length
from growmerge.evaluation.scorer import score_items
from growmerge.models.checkpoints import save_checkpoint
from growmerge.models.cost import forward_flops
from growmerge.models.external import load_model
from growmerge.models.initialise import initialise, llama_config

MINIATURE = Architecture(
    hidden_size=64,
    intermediate_size=160,
    num_hidden_layers=3,
    num_attention_heads=4,
    num_key_value_heads=2,
    head_dim=16,
    max_position_embeddings=512,
    initializer_range=0.05,
)
SMOLLM2 = Architecture(
    hidden_size=576,
    intermediate_size=1536,
    num_hidden_layers=30,
    num_attention_heads=9,
    num_key_value_heads=3,
    head_dim=64,
    max_position_embeddings=2048,
    initializer_range=0.05,
)
# Shape and entries of the vocabulary. The tokenizer has 4,096 for both: there is no text here to train a larger one on.
SHAPES = {"miniature": (MINIATURE, 4096), "smollm2": (SMOLLM2, 49152)}

Score = Callable[[list[Item]], list[float]]
Results = dict[str, list[float]]
OURS = "growmerge"


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


def make_model(shape: str, documents: list[Document], folder: Path) -> Path:
    """A checkpoint of that shape with random weights, and a tokenizer for these documents."""
    architecture, vocabulary = SHAPES[shape]
    (folder / "tokenizer").mkdir()
    save_tokenizer(train_tokenizer((document.text for document in documents), 4096), folder / "tokenizer")
    (folder / "model").mkdir()
    save_checkpoint(initialise(llama_config(architecture, vocabulary, 0, 0), 1), folder / "model", folder / "tokenizer")
    return folder / "model"


def ours(model: PreTrainedModel, folder: Path) -> Score:
    """Rule score_model's work, without files."""
    tokenizer, begin, _ = load_tokenizer(folder)

    def score(items: list[Item]) -> list[float]:
        return score_items(model, tokenizer, {("pairs", "eng"): items}, bos_id=begin)["logprob"].to_pylist()

    return score


def harness(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, batch: int) -> Score:
    """lm-evaluation-harness's model, given the requests of a task of minimal pairs."""
    from lm_eval.api.instance import Instance
    from lm_eval.models.huggingface import HFLM

    lm = HFLM(pretrained=model, tokenizer=tokenizer, batch_size=batch)

    def score(items: list[Item]) -> list[float]:
        texts = [text for item in items for text in item.candidates]
        requests = [Instance("loglikelihood", {}, ("", text), index) for index, text in enumerate(texts)]
        return [logprob for logprob, _ in lm.loglikelihood(requests, disable_tqdm=True)]

    return score


def minicons(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, batch: int) -> Score:
    """minicons' scorer, in batches of sentences of similar length."""
    from minicons.scorer import IncrementalLMScorer

    scorer = IncrementalLMScorer(model, "cpu", tokenizer=tokenizer)

    def score(items: list[Item]) -> list[float]:
        texts = [text for item in items for text in item.candidates]
        order = sorted(range(len(texts)), key=lambda index: len(texts[index]))
        found = [0.0] * len(texts)
        for start in range(0, len(order), batch):
            some = order[start : start + batch]
            logprobs = scorer.sequence_score(
                [texts[index] for index in some], reduction=lambda logprob: logprob.sum().item(), bos_token=True
            )
            for index, logprob in zip(some, logprobs, strict=True):
                found[index] = logprob
        return found

    return score


OTHERS = {"harness": harness, "minicons": minicons}


def peak() -> float:
    """FLOP/s of a large matrix product in fp32, the best of some."""
    one = torch.randn(1024, 1024)
    seconds = []
    for _ in range(10):
        start = time.process_time()
        one @ one
        seconds.append(time.process_time() - start)
    return 2 * 1024**3 / min(seconds)


def least_flops(model: PreTrainedModel, folder: Path, items: list[Item]) -> tuple[float, float]:
    """FLOPs of a forward pass over every text, after BOS and without its last token: apart, and shared.

    Shared, a text costs what its length costs beyond that of what it has in common with the text before it.
    """
    config = model.config
    names = Architecture.model_fields
    shape = Architecture(**{name: value for name, value in config.to_dict().items() if name in names})
    tokenizer, begin, _ = load_tokenizer(folder)
    requests = encode_items(tokenizer, {("pairs", "eng"): items}, bos_id=begin).requests
    texts = sorted(request.inputs for request in requests)
    cost = [forward_flops(shape, config.vocab_size, 1, 1, length) for length in range(max(map(len, texts)) + 1)]
    apart = sum(cost[len(text)] for text in texts)
    return apart, apart - sum(cost[common_length(one, other)] for one, other in pairwise(texts))


def measure(ways: dict[str, Score], items: list[Item], rounds: int) -> tuple[dict[str, list[float]], Results, float]:
    """Seconds of each way's rounds, the log-probabilities it found, and the peak meanwhile in FLOP/s."""
    seconds: dict[str, list[float]] = {way: [] for way in ways}
    found: Results = {}
    fastest = 0.0
    for _ in range(rounds):
        fastest = max(fastest, peak())
        for way, score in ways.items():
            start = time.process_time()
            found[way] = score(items)
            seconds[way].append(time.process_time() - start)
    return seconds, found, fastest


def main() -> None:
    """Print a table and the ratios for each number of pairs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, nargs="+", default=[2000])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--batch", type=int, nargs="+", default=[1, 16, 64, 256], help="texts, for all but our engine")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--shape", choices=SHAPES, default="miniature", help="of a model with random weights")
    parser.add_argument("--model", type=Path, help="folder of a Llama, instead of a shape")
    parser.add_argument("--ways", nargs="+", choices=OTHERS, default=list(OTHERS), help="beside our engine")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    torch.set_num_threads(options.threads)
    documents = list(sentences())
    pairs = word_order_pairs(documents, max(options.pairs), seed=1)
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.model or make_model(options.shape, documents[:20_000], Path(scratch))
        model, tokenizer = load_model(folder), AutoTokenizer.from_pretrained(folder)
        ways = {OURS: ours(model, folder)}
        for way in options.ways:
            ways |= {f"{way} {batch}": OTHERS[way](model, tokenizer, batch) for batch in options.batch}
        for count in options.pairs:
            items = pairs[:count]
            seconds, found, fastest = measure(ways, items, options.rounds)
            medians = {way: statistics.median(times) for way, times in seconds.items()}
            apart, shared = (flops / fastest for flops in least_flops(model, folder, items))
            print(f"{len(items)} pairs, {fastest / 1e9:.0f} GFLOP/s, floors {apart:.1f} s apart, {shared:.1f} s shared")
            print(f"{'way':>13} {'pairs/s':>8} {'apart':>6} {'shared':>6} {'differs':>8}  seconds of each round")
            for way, times in seconds.items():
                differs = np.abs(np.subtract(found[way], found[OURS])).max()
                print(
                    f"{way:>13} {len(items) / medians[way]:8.0f} {apart / medians[way]:6.0%} "
                    f"{shared / medians[way]:6.0%} {differs:8.1e}  {' '.join(f'{s:.1f}' for s in times)}"
                )
            for way in options.ways:
                ratios = {batch: medians[f"{way} {batch}"] / medians[OURS] for batch in options.batch}
                best = min(ratios, key=ratios.__getitem__)
                print(f"{OURS} is {ratios[best]:.1f} times as fast as {way} in its best batches, of {best}", end="")
                print(f", and {ratios[1]:.1f} times as in batches of 1" if 1 in ratios else "", flush=True)


if __name__ == "__main__":
    main()
