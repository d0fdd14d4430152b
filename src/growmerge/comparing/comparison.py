"""The comparison of the models of a setup on disk, from their checkpoints."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import torch

from growmerge.artifacts import elapsed, verify
from growmerge.benchmarks.items import ITEMS, read_items
from growmerge.comparing.places import TENSOR_KINDS
from growmerge.comparing.statistics import Models, Statistic, Value, added_statistics, statistics
from growmerge.data.split import read_heldout
from growmerge.errors import GrowmergeError
from growmerge.frames import write_frame
from growmerge.ids import ALL
from growmerge.merging.inputs import check_statistics

logger = logging.getLogger(__name__)

COLUMNS = ("first", "second", "measure", "layer", "kind", "value")


def write_comparison(
    setup: str,
    members: Mapping[str, Path],
    base: Path,
    english: Sequence[Path],
    parquet: Path,
    *,
    sentences: int,
    work: Path,
    token_counts: Mapping[str, Path] | None = None,
) -> None:
    """Compare the models of a setup, `members` (language -> checkpoint) of the ancestor `base`, into `parquet`.

    Columns: `setup` and `COLUMNS`; the rows are the values of all `statistics`. The English sentences are those of the
    parity items in `english`, or the held-out documents of these shards: at most `sentences`. A GPU is used if there is
    one. Large intermediate files are kept under `work`. `token_counts` (language -> artifact) are those of the members'
    text, if tokens are counted. Raises GrowmergeError for damaged checkpoints, for checkpoints that cannot be compared,
    and for a statistic whose values are not those that it declares.
    """
    start = time.monotonic()
    counts = token_counts or {}
    inputs = [*members.values(), base, *english, *counts.values()]
    for checkpoint in [*members.values(), base]:
        verify(checkpoint)
    check_statistics({"token_counts": counts}, members)
    texts = english_sentences(english, sentences)
    models = Models(members, base, texts, "cuda" if torch.cuda.is_available() else "cpu", work, counts)
    values: list[Value] = []
    for name, statistic in statistics().items():
        if statistic.compute is not None:
            begin = time.monotonic()
            values += checked(name, statistic, models, statistic.compute(models))
            logger.info("%s: statistic %s computed in %.1f s", setup, name, elapsed(begin))
    table = frame(values)
    table.insert(0, "setup", setup)
    config: dict[str, Any] = {"sentences": sentences}
    if added := added_statistics():
        config["statistics"] = dict(added)
    facts = {"members": sorted(members), "base": str(base), "sentences": len(texts), "rows": len(table)}
    write_frame(table, parquet, inputs, config, facts, start)
    logger.info("%s: %d rows about %d models over %d sentences", setup, len(table), len(members), len(texts))


def frame(values: Iterable[Value]) -> pd.DataFrame:
    """A row for each of the values: `COLUMNS`; `layer` is missing for values over all layers."""
    table = pd.DataFrame(values, columns=list(Value._fields))
    return table[list(COLUMNS)].astype({"layer": "Int64", "value": "float64"})


def checked(name: str, statistic: Statistic, models: Models, values: Iterable[Value]) -> Iterator[Value]:
    """The values of a statistic, unchanged; `name` is that of its file.

    Raises GrowmergeError for a measure that the statistic does not declare, an unknown language, a pair if the measure
    is of one model (or the other way round), an unknown kind of tensor, and a value that is given twice.
    """
    of = {measure.name: measure.of for measure in statistic.measures}
    about: Mapping[str, set[tuple[str, str]]] = {
        "model": {(language, "") for language in models.members},
        "pair": {pair for one, other in models.pairs for pair in ((one, other), (other, one))},
    }
    seen: set[tuple[frozenset[str], str, int | None, str]] = set()
    for value in values:
        first, second, measure, _, layer, kind = value
        key = (frozenset((first, second)), measure, layer, kind)
        fault = ""
        if measure not in of:
            fault = f"is not among its measures ({', '.join(of)})"
        elif (first, second) not in about[of[measure]]:
            fault = f"is a measure of one {of[measure]}, and {(first, second)} is none of this setup"
        elif kind not in (ALL, *TENSOR_KINDS):
            fault = f"is given for {kind!r}, which is no kind of tensor ({', '.join((ALL, *TENSOR_KINDS))})"
        elif key in seen:
            fault = f"is given twice for {(first, second)}, layer {layer}, kind {kind!r}"
        if fault:
            raise GrowmergeError(f"statistic {name}: {measure!r} {fault}")
        seen.add(key)
        yield value


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
