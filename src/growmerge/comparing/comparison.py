"""The comparison of the models of a setup on disk, from their checkpoints."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
import torch

from growmerge.artifacts import elapsed, verify
from growmerge.benchmarks.items import ITEMS, read_items
from growmerge.comparing.states import compare_states
from growmerge.comparing.vectors import compare_weights
from growmerge.data.split import read_heldout
from growmerge.errors import GrowmergeError
from growmerge.frames import write_frame

logger = logging.getLogger(__name__)


def write_comparison(
    setup: str,
    members: Mapping[str, Path],
    base: Path,
    english: Sequence[Path],
    parquet: Path,
    *,
    sentences: int,
    work: Path,
) -> None:
    """Compare the models of a setup, `members` (language -> checkpoint) of the ancestor `base`, into `parquet`.

    Columns: `setup` and those of `vectors.compare_weights`; its rows, and those of `states.compare_states`. The English
    sentences are those of the parity items in `english`, or the held-out documents of these shards: at most
    `sentences`. On a GPU where there is one. Hidden states wait under `work`. Raises GrowmergeError for damaged
    checkpoints, and for such as cannot be compared.
    """
    start = time.monotonic()
    inputs = [*members.values(), base, *english]
    for checkpoint in [*members.values(), base]:
        verify(checkpoint)
    texts = english_sentences(english, sentences)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    weights = compare_weights(members, base, device)
    logger.info("%s: weights compared in %.1f s", setup, elapsed(start))
    table = pd.concat([weights, compare_states(members, texts, work, device)], ignore_index=True)
    table.insert(0, "setup", setup)
    facts = {"members": sorted(members), "base": str(base), "sentences": len(texts), "rows": len(table)}
    write_frame(table, parquet, inputs, {"sentences": sentences}, facts, start)
    logger.info("%s: %d rows about %d models over %d sentences", setup, len(table), len(members), len(texts))


def english_sentences(sources: Sequence[Path], limit: int) -> list[str]:
    """The first `limit` distinct English sentences: the references of items, or the held-out documents of shards.

    Raises GrowmergeError where there is none.
    """
    if all((source / ITEMS).exists() for source in sources):
        for benchmark in sources:
            verify(benchmark)
        texts = [item.reference for source in sources for item in read_items(source / ITEMS)]
    else:
        texts = [document.text for document in read_heldout(sources)]
    distinct = list(dict.fromkeys(text for text in texts if text))
    if not distinct:
        raise GrowmergeError(f"{', '.join(map(str, sources))}: no English sentence to compare hidden states over")
    return distinct[:limit]
