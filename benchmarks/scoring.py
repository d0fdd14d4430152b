"""Scoring side by side: our engine, lm-evaluation-harness and minicons, same model, same minimal pairs, on the CPU.

    python benchmarks/scoring.py [--pairs 2000] [--rounds 3] [--threads 1] [--model FOLDER] [--ways growmerge harness]

The pairs are sentences of the docstrings and comments of Python's standard library against themselves with two words
exchanged; the model is the miniature's (hidden size 64, 3 layers, 4,096 entries, random weights) unless a folder is
given. All ways run in one process, in turns; a round of one is tokenization and scoring of all pairs, without loading
libraries and model. Seconds are the processor's, of all threads, so that other work on the machine counts little.
Prints the medians of the rounds, what share of the theoretical time of a forward pass (matrix products of every text by
itself, at the speed of a large product measured here) they reach, and how far the log-probabilities are apart.

The harness gets its requests as its tasks make them. It and minicons, which is given texts sorted by length, get
batches of --batch texts.
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
from pathlib import Path

import numpy as np
import torch
from transformers import AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase

from growmerge.config.schema import Architecture
from growmerge.data.documents import Document
from growmerge.data.sources import read_stdlib_code
from growmerge.data.tokenizer import load_tokenizer, save_tokenizer, train_tokenizer
from growmerge.evaluation.builders.word_order import word_order_pairs
from growmerge.evaluation.items import Item
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

Score = Callable[[list[Item]], list[float]]


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


def make_model(documents: list[Document], folder: Path) -> Path:
    """A checkpoint of the miniature's shape, with a tokenizer for these documents."""
    (folder / "tokenizer").mkdir()
    save_tokenizer(train_tokenizer((document.text for document in documents), 4096), folder / "tokenizer")
    (folder / "model").mkdir()
    save_checkpoint(initialise(llama_config(MINIATURE, 4096, 0, 0), 1), folder / "model", folder / "tokenizer")
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


def peak() -> float:
    """FLOP/s of a large matrix product in fp32, the best of some."""
    one = torch.randn(1024, 1024)
    seconds = []
    for _ in range(10):
        start = time.process_time()
        one @ one
        seconds.append(time.process_time() - start)
    return 2 * 1024**3 / min(seconds)


def floor(model: PreTrainedModel, folder: Path, items: list[Item]) -> float:
    """FLOPs of a forward pass over every text, after BOS and without its last token."""
    config = model.config
    names = Architecture.model_fields
    shape = Architecture(**{name: value for name, value in config.to_dict().items() if name in names})
    texts = [text for item in items for text in item.candidates]
    encodings = load_tokenizer(folder)[0].encode_batch(texts, add_special_tokens=False)
    lengths = np.bincount([len(encoding) for encoding in encodings])
    return sum(
        forward_flops(shape, config.vocab_size, 1, int(count), length) for length, count in enumerate(lengths) if count
    )


def main() -> None:
    """Print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, nargs="+", default=[2000])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--batch", type=int, default=64, help="texts, for harness and minicons")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--model", type=Path, help="folder of a Llama; default: one is made")
    parser.add_argument("--ways", nargs="+", default=["growmerge", "harness", "minicons"])
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    torch.set_num_threads(options.threads)
    documents = list(sentences())
    pairs = word_order_pairs(documents, max(options.pairs), seed=1)
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.model or make_model(documents[:20_000], Path(scratch))
        model, tokenizer = load_model(folder), AutoTokenizer.from_pretrained(folder)
        makers = {
            "growmerge": lambda: ours(model, folder),
            "harness": lambda: harness(model, tokenizer, options.batch),
            "minicons": lambda: minicons(model, tokenizer, options.batch),
        }
        ways = {way: makers[way]() for way in options.ways}
        print(
            f"{'pairs':>6} {'way':>10} {'pairs/s':>8} {'of floor':>8} {'apart':>8}  seconds of each round", flush=True
        )
        for count in options.pairs:
            items = pairs[:count]
            seconds: dict[str, list[float]] = {way: [] for way in ways}
            found: dict[str, list[float]] = {}
            fastest = 0.0
            for _ in range(options.rounds):
                fastest = max(fastest, peak())
                for way, score in ways.items():
                    start = time.process_time()
                    found[way] = score(items)
                    seconds[way].append(time.process_time() - start)
            least = floor(model, folder, items) / fastest
            medians = {way: statistics.median(times) for way, times in seconds.items()}
            for way, times in seconds.items():
                apart = np.abs(np.subtract(found[way], found[options.ways[0]])).max()
                print(
                    f"{len(items):6} {way:>10} {len(items) / medians[way]:8.0f} {least / medians[way]:8.0%} "
                    f"{apart:8.1e}  {' '.join(f'{s:.1f}' for s in times)}"
                )
            for way in options.ways[1:]:
                ratio = medians[way] / medians[options.ways[0]]
                print(f"{len(items):6} {options.ways[0]} is {ratio:.1f} times as fast as {way}", flush=True)


if __name__ == "__main__":
    main()
