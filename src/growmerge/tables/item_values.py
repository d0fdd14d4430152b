"""The value of every item of a model: what models are compared by on the same items."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
from numpy.typing import NDArray

from growmerge.catalogue.entry import BITS_PER_BYTE, PARITY
from growmerge.errors import GrowmergeError
from growmerge.tables.listed import Cell, Listed, Listings, name_of
from growmerge.tables.summary import SCORE_COLUMNS

_READ = (*SCORE_COLUMNS, "tokens", "characters", "bytes")


def is_there(scores: Mapping[str, pd.DataFrame | Path], name: str) -> bool:
    """Whether there are scores of the model."""
    source = scores.get(name)
    return source is not None and (isinstance(source, pd.DataFrame) or source.exists())


def _read(path: Path) -> pd.DataFrame:
    """The columns that are needed; scores that are older than bits per byte have no `bytes`, and need none."""
    return pd.read_parquet(path, columns=[name for name in pq.read_schema(path).names if name in _READ])


def item_values(
    source: pd.DataFrame | Path, name: str, listings: Listings, items: dict[Cell, pd.Index]
) -> Iterator[tuple[Cell, NDArray[np.float64]]]:
    """The value of every item in each cell, in the order of `items`: what the first model has, sorted.

    Right answers as int8, so that their differences are small whole numbers at an eighth of the memory. The value of a
    document of running text is its bits over the mean number of bytes of all: the mean over documents is the bits per
    byte. Benchmarks that are not measured have none.
    """
    frame = source if isinstance(source, pd.DataFrame) else _read(source)
    frame = frame[frame["benchmark"].isin(listings.measured)]
    listed = listings.of(frame, name_of(source, name))
    found = dict(_values(listed, frame["logprob"].to_numpy(dtype=np.float64)))
    for cell in sorted(found):
        (benchmark, language), (places, names) = cell, listed.in_order[cell]
        values = found[cell][places]
        if not names.equals(items.setdefault(cell, names)):
            raise GrowmergeError(
                f"{name}: was scored on other items of {benchmark} in {language} than the models before it; score again"
            )
        small = listed.measured[benchmark][0] not in (PARITY, BITS_PER_BYTE) and not np.isnan(values).any()
        yield cell, values.astype(np.int8) if small else values


def _values(listed: Listed, logprobs: NDArray[np.float64]) -> Iterator[tuple[Cell, NDArray[np.float64]]]:
    """By cell, values in which those of its items are at the places of `listed.in_order`."""
    right, _ = listed.pairs.judge(logprobs)
    for cell in listed.pairs.cells:
        yield cell, right
    for sentences in listed.parallel:
        yield (sentences.benchmark, sentences.language), sentences.english / logprobs[sentences.rows]
    if listed.texts:
        rows, documents = listed.texts
        bits = documents.bits(logprobs[rows])
        for cell, places in documents.cells.items():
            yield cell, bits / documents.bytes[places].mean()
