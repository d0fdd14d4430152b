"""The scores of one model: a folder that is brought up to date cell by cell.

A cell is a benchmark in a language. It is scored again only if the model, the benchmark or the scorer changed: a new
benchmark or language re-scores nothing that is there.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import torch

from growmerge.artifacts import MANIFEST, elapsed, sha256_file, verify, write_atomically, write_manifest
from growmerge.data.tokenizer import load_tokenizer
from growmerge.errors import GrowmergeError
from growmerge.evaluation.encode import EncodedItems, encode_items
from growmerge.evaluation.items import read_items
from growmerge.evaluation.results import harness_results
from growmerge.evaluation.scorer import SCORER_VERSION, score_encoded
from growmerge.models.external import load_model

logger = logging.getLogger(__name__)
Cell = tuple[str, str]  # (benchmark, language)
ITEMS = "items.parquet"
RESULTS = "results.json"

# What was tokenized last, by what it was made from.
_last: dict[Any, tuple[EncodedItems, str | None]] = {}


@dataclass(frozen=True)
class Scored:
    """What is scored: `digest` identifies it, `checkpoint` gives its folder (and may first have to make it).

    `inputs` are the artifacts it is, or is made from, and `config` how: both go into the manifest of the scores.
    `name` is what the results file calls it; the default is that of the folder of its scores.
    """

    digest: str
    checkpoint: Callable[[], Path]
    inputs: Sequence[Path]
    config: Any = None
    name: str | None = None


def update_scores(folder: Path, model: Scored, cells: Mapping[Cell, Path], *, tokens_per_batch: int) -> int:
    """Score what is missing of `cells` (cell -> benchmark folder) in `folder`/items.parquet; returns how many cells.

    `model.checkpoint` is called only if something is missing. Cells that are no longer asked for are dropped. Beside
    the items stands results.json, their summary in lm-evaluation-harness's layout. Each file is replaced in one step,
    the manifest written last. A text is scored after the tokenizer's beginning-of-text token (its end-of-document token
    where it has none), which the manifest names.
    """
    start = time.monotonic()
    benchmarks = {cell: verify(benchmark) for cell, benchmark in cells.items()}
    wanted = {
        cell: {"model": model.digest, "benchmark": benchmark.digest, "scorer": SCORER_VERSION}
        for cell, benchmark in benchmarks.items()
    }
    old, facts = _existing(folder)
    scored, begin = facts.get("cells", {}), facts.get("begin")
    keep = [cell for cell in wanted if scored.get("/".join(cell)) == wanted[cell]]
    missing = [cell for cell in wanted if cell not in keep]
    parts = [old[(old["benchmark"] == b) & (old["language"] == language)] for b, language in keep]
    if missing:
        sources = {cell: (cells[cell], benchmarks[cell].digest) for cell in missing}
        new, begin = _score(model.checkpoint(), sources, tokens_per_batch)
        parts.append(new)
    table = pd.concat(parts, ignore_index=True)
    folder.mkdir(parents=True, exist_ok=True)
    temporary = folder / f".{ITEMS}.partial"
    table.to_parquet(temporary, index=False)
    temporary.replace(folder / ITEMS)
    results = harness_results(
        table,
        model_name=model.name or folder.name,
        configs={
            cell: {"dataset_path": cell[0], "dataset_name": cell[1], "metadata": {**wanted[cell], "begin": begin}}
            for cell in wanted
        },
        few_shot={cell: b.facts["few_shot"] for cell, b in benchmarks.items() if "few_shot" in b.facts},
        version=SCORER_VERSION,
        seconds=elapsed(start),
    )
    write_atomically(folder / RESULTS, json.dumps(results, indent=2, ensure_ascii=False) + "\n")
    write_manifest(
        folder / MANIFEST,
        [ITEMS, RESULTS],
        inputs=[*model.inputs, *cells.values()],
        config=model.config,
        facts={"model": model.digest, "begin": begin, "cells": {"/".join(cell): wanted[cell] for cell in wanted}},
        seconds=elapsed(start),
    )
    logger.info("%s: scored %d cells, kept %d", folder, len(missing), len(keep))
    return len(missing)


def _existing(folder: Path) -> tuple[pd.DataFrame, dict[str, Any]]:
    """The rows that are there and the facts of their manifest; nothing if they are missing or damaged."""
    if not (folder / MANIFEST).exists():
        return pd.DataFrame(), {}
    try:
        facts = verify(folder).facts
    except GrowmergeError as error:
        logger.warning("scoring again: %s", error)
        return pd.DataFrame(), {}
    return pd.read_parquet(folder / ITEMS), facts


def _score(
    checkpoint: Path, cells: Mapping[Cell, tuple[Path, str]], tokens_per_batch: int
) -> tuple[pd.DataFrame, str | None]:
    """The rows of `cells` (cell -> benchmark folder and digest), and the token that begins every text."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    encoded, begin = _encoded(checkpoint, cells)
    model = load_model(checkpoint, device=device)
    return score_encoded(model, encoded, tokens_per_batch).to_pandas(), begin


def _encoded(checkpoint: Path, cells: Mapping[Cell, tuple[Path, str]]) -> tuple[EncodedItems, str | None]:
    """The texts of `cells` as requests, and the token that begins each; the last are kept for the next model.

    The merges of a job share a tokenizer and are scored on the same items.
    """
    names = ("tokenizer.json", "tokenizer_config.json")
    files = tuple(sha256_file(checkpoint / name) if (checkpoint / name).exists() else None for name in names)
    key = (files, tuple((cell, digest) for cell, (_, digest) in cells.items()))
    if key not in _last:
        tokenizer, begin_id, _ = load_tokenizer(checkpoint)
        items = {cell: read_items(benchmark / ITEMS) for cell, (benchmark, _) in cells.items()}
        _last.clear()
        _last[key] = encode_items(tokenizer, items, bos_id=begin_id), tokenizer.id_to_token(begin_id)
    return _last[key]
