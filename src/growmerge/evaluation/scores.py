"""The scores of one model: a folder that is brought up to date cell by cell.

A cell is a benchmark in a language. It is scored again only if the model, the benchmark or the scorer changed: a new
benchmark or language re-scores nothing that is there.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from growmerge.artifacts import MANIFEST, elapsed, verify, write_manifest
from growmerge.errors import GrowmergeError
from growmerge.evaluation.items import read_items
from growmerge.evaluation.scorer import SCORER_VERSION

logger = logging.getLogger(__name__)
Cell = tuple[str, str]  # (benchmark, language)
ITEMS = "items.parquet"


@dataclass(frozen=True)
class Scored:
    """What is scored: `digest` identifies it, `checkpoint` gives its folder (and may first have to make it).

    `inputs` are the artifacts it is, or is made from, and `config` how: both go into the manifest of the scores.
    """

    digest: str
    checkpoint: Callable[[], Path]
    inputs: Sequence[Path]
    config: Any = None


def update_scores(folder: Path, model: Scored, cells: Mapping[Cell, Path], *, tokens_per_batch: int) -> int:
    """Score what is missing of `cells` (cell -> benchmark folder) in `folder`/items.parquet; returns how many cells.

    `model.checkpoint` is called only if something is missing. Cells that are no longer asked for are dropped. The file
    is replaced in one step, its manifest written last. A text is scored after the tokenizer's beginning-of-text token
    (its end-of-document token where it has none), which the manifest names.
    """
    start = time.monotonic()
    wanted = {
        cell: {"model": model.digest, "benchmark": verify(benchmark).digest, "scorer": SCORER_VERSION}
        for cell, benchmark in cells.items()
    }
    old, facts = _existing(folder)
    scored, begin = facts.get("cells", {}), facts.get("begin")
    keep = [cell for cell in wanted if scored.get("/".join(cell)) == wanted[cell]]
    missing = [cell for cell in wanted if cell not in keep]
    parts = [old[(old["benchmark"] == b) & (old["language"] == language)] for b, language in keep]
    if missing:
        new, begin = _score(model.checkpoint(), {cell: cells[cell] for cell in missing}, tokens_per_batch)
        parts.append(new)
    table = pd.concat(parts, ignore_index=True)
    folder.mkdir(parents=True, exist_ok=True)
    temporary = folder / f".{ITEMS}.partial"
    table.to_parquet(temporary, index=False)
    temporary.replace(folder / ITEMS)
    write_manifest(
        folder / MANIFEST,
        [ITEMS],
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


def _score(checkpoint: Path, cells: Mapping[Cell, Path], tokens_per_batch: int) -> tuple[pd.DataFrame, str | None]:
    """The rows of `cells`, and the token that begins every text."""
    import torch

    from growmerge.data.tokenizer import load_tokenizer
    from growmerge.evaluation.scorer import score_items
    from growmerge.models.external import load_model

    device = "cuda" if torch.cuda.is_available() else "cpu"
    model = load_model(checkpoint, device=device)
    tokenizer, begin_id, _ = load_tokenizer(checkpoint)
    items = {cell: read_items(benchmark / ITEMS) for cell, benchmark in cells.items()}
    table = score_items(model, tokenizer, items, bos_id=begin_id, tokens_per_batch=tokens_per_batch)
    return table.to_pandas(), tokenizer.id_to_token(begin_id)
