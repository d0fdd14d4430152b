"""Tokenizing side by side: our path (documents.parquet to token shard) and `datasets.map`, same tokenizer and text.

    python speed/tokenizing.py [--tokenizer FOLDER] [--megabytes 100] [--processes 1 2] [--rounds 3]
        [--json FILE]

The text is the source code of the standard library of the Python that runs it, repeated (each file rotated by some
lines, so that no two documents are equal) up to the size asked for; the tokenizer is trained on it unless a folder is
given. Each measurement is a process of its own, bound to as many cores as it may use processes or threads; the two
ways alternate. Prints the medians of the rounds and their ratio. `datasets.map` reads its own Arrow cache, made before,
and writes the ids of each document to another; we read Parquet, look for evaluation text, and write the stream.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path

from lines import add_comparison
from turns import environment

from growmerge.data.documents import Document, iterate_documents, write_documents
from growmerge.data.sources import read_stdlib_code, read_topics
from growmerge.data.tokenizer import load_tokenizer, save_tokenizer, train_tokenizer

DOCUMENTS, CACHE = "documents.parquet", "cache"


def rotated_code(size: int) -> Iterator[Document]:
    """Python files, turned by another number of lines each time, of `size` bytes together."""
    files = list(read_stdlib_code(30_000_000))
    used = 0
    for turn in count():
        for file in files:
            lines = file.text.splitlines(keepends=True)
            start = turn * 7 % max(1, len(lines))
            text = "".join(lines[start:] + lines[:start])
            if used + len(text.encode()) > size:
                return
            used += len(text.encode())
            yield Document(f"{turn}/{file.id}", text)


def prepare(folder: Path, tokenizer: Path | None, size: int) -> None:
    """Documents, the cache that `datasets` would have made of them, and a tokenizer."""
    from datasets import Dataset

    write_documents(rotated_code(size), folder / DOCUMENTS)
    Dataset.from_parquet(str(folder / DOCUMENTS), cache_dir=str(folder / "parquet")).save_to_disk(folder / CACHE)
    (folder / "tokenizer").mkdir()
    if tokenizer:
        for name in ("tokenizer.json", "tokenizer_config.json"):
            (folder / "tokenizer" / name).write_bytes((tokenizer / name).read_bytes())
    else:
        save_tokenizer(train_tokenizer((d.text for d in read_stdlib_code(3_000_000)), 16_384), folder / "tokenizer")


def tokenize_ours(folder: Path, processes: int) -> tuple[float, int]:
    """(seconds, tokens) of rule tokenize_shard's work, without loading tokenizer and libraries."""
    os.environ["RAYON_NUM_THREADS"] = str(processes)
    from growmerge.data.shards import write_shard
    from growmerge.data.split import TrainingText

    tokenizer, begin, end = load_tokenizer(folder / "tokenizer")
    training = TrainingText(Document(d.id, d.text) for d in read_topics())
    start = time.monotonic()
    documents = training.of(iterate_documents(folder / DOCUMENTS))
    facts = write_shard(documents, tokenizer, begin, end, folder / "tokens.arrow")
    return time.monotonic() - start, facts["tokens"]


def tokenize_datasets(folder: Path, processes: int) -> tuple[float, int]:
    """(seconds, tokens) of the usual way: `map` in batches, in as many processes."""
    from datasets import load_from_disk
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder / "tokenizer")
    end = tokenizer.eos_token_id
    if processes > 1:
        os.environ["TOKENIZERS_PARALLELISM"] = "false"  # as transformers itself sets it in forked processes
    else:
        os.environ["RAYON_NUM_THREADS"] = "1"

    def encode(batch: dict[str, list[str]]) -> dict[str, list[list[int]]]:
        ids = tokenizer(batch["text"], add_special_tokens=False, return_attention_mask=False)["input_ids"]
        return {"ids": [[*document, end] for document in ids]}

    rows = load_from_disk(str(folder / CACHE))
    start = time.monotonic()
    mapped = rows.map(
        encode, batched=True, num_proc=processes if processes > 1 else None, remove_columns=rows.column_names,
        load_from_cache_file=False,
    )  # fmt: skip
    seconds = time.monotonic() - start
    return seconds, sum(len(ids) for batch in mapped.with_format("arrow").iter(1000) for ids in batch["ids"])


WAYS = {"growmerge": tokenize_ours, "datasets.map": tokenize_datasets}


def measure(way: str, folder: Path, processes: int) -> tuple[float, int]:
    """One measurement in a process of its own."""
    command = [sys.executable, __file__, "--measure", way, str(folder), str(processes)]
    settings = environment(ours=way == "growmerge")
    run = subprocess.run(command, check=True, capture_output=True, text=True, env=settings)
    seconds, tokens = json.loads(run.stdout.splitlines()[-1])
    return seconds, tokens


def main() -> None:
    """Print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tokenizer", type=Path, help="folder with tokenizer.json; default: train one")
    parser.add_argument("--megabytes", type=int, default=100)
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path, help="a file that gets the comparisons")
    parser.add_argument("--measure", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        way, folder, processes = options.measure
        os.sched_setaffinity(0, set(sorted(os.sched_getaffinity(0))[: int(processes)]))
        print(json.dumps(WAYS[way](Path(folder), int(processes))))
        return
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        prepare(folder, options.tokenizer, options.megabytes * 1_000_000)
        size = sum(len(d.text.encode()) for d in iterate_documents(folder / DOCUMENTS)) / 1e6
        print(f"{size:.0f} MB of code, {load_tokenizer(folder / 'tokenizer')[0].get_vocab_size()} entries", flush=True)
        print(f"{'processes':>9} {'way':>13} {'MB/s':>7} {'tokens':>11}  seconds of each round")
        for processes in options.processes:
            results: dict[str, list[tuple[float, int]]] = {way: [] for way in WAYS}
            for _ in range(options.rounds):
                for way, measured in results.items():
                    measured.append(measure(way, folder, processes))
            medians = {way: statistics.median(s for s, _ in measured) for way, measured in results.items()}
            for way, measured in results.items():
                rounds = " ".join(f"{seconds:.1f}" for seconds, _ in measured)
                print(f"{processes:9} {way:>13} {size / medians[way]:7.2f} {measured[0][1]:11,}  {rounds}")
            ratio = medians["datasets.map"] / medians["growmerge"]
            print(f"{processes:9} {'ratio':>13} {ratio:7.2f}", flush=True)
            ours, theirs = ([seconds for seconds, _ in measured] for measured in results.values())
            what = f"tokenizing {size:.0f} MB, {processes} core{'s' if processes > 1 else ''}"
            add_comparison(options.json, what, "datasets.map", ours, theirs)


if __name__ == "__main__":
    main()
