"""The value of every item of a model: what models are compared by on the same items."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
from numpy.typing import NDArray

from growmerge.catalogue.entry import BITS_PER_BYTE, PARITY, Normalisation
from growmerge.errors import GrowmergeError
from growmerge.evaluation.outcomes import bits_and_bytes, normalised_by_benchmark, outcomes
from growmerge.ids import parity_reference
from growmerge.tables.summary import SCORE_COLUMNS

Cell = tuple[str, str]  # (benchmark, language)
_READ = (*SCORE_COLUMNS, "tokens", "characters", "bytes")


def is_there(scores: Mapping[str, pd.DataFrame | Path], name: str) -> bool:
    """Whether there are scores of the model."""
    source = scores.get(name)
    return source is not None and (isinstance(source, pd.DataFrame) or source.exists())


def _read(path: Path) -> pd.DataFrame:
    """The columns that are needed; scores that are older than bits per byte have no `bytes`, and need none."""
    return pd.read_parquet(path, columns=[name for name in pq.read_schema(path).names if name in _READ])


def english_sides(reference: pd.DataFrame, benchmarks: Sequence[str]) -> pd.Series:
    """The log-probabilities of the English sides, by (benchmark of parallel sentences, language, item)."""
    benchmark = reference["benchmark"].map({parity_reference(name): name for name in benchmarks})
    found = reference.assign(benchmark=benchmark).dropna(subset="benchmark")
    return found.set_index(["benchmark", "language", "item"])["logprob"]


def item_values(
    source: pd.DataFrame | Path,
    name: str,
    english: pd.Series,
    measured: Mapping[str, tuple[str, Normalisation]],
    items: dict[Cell, pd.Index],
) -> Iterator[tuple[Cell, NDArray[np.float64]]]:
    """The value of every item in each cell, in the order of `items`: what the first model has, sorted.

    Right answers as int8, so that their differences are small whole numbers at an eighth of the memory. The value of a
    document of running text is its bits over the mean number of bytes of all: the mean over documents is the bits per
    byte.
    """
    frame = source if isinstance(source, pd.DataFrame) else _read(source)
    measure_of = frame["benchmark"].map({b: measure for b, (measure, _) in measured.items()})
    # The measure of a benchmark that is not measured is NaN, so its rows are in none of the three groups.
    compared = frame[measure_of.notna() & ~measure_of.isin([PARITY, BITS_PER_BYTE])]
    compared = compared.assign(logprob=normalised_by_benchmark(compared, {b: by for b, (_, by) in measured.items()}))
    right = outcomes(compared)["right"]  # of all cells at once: pandas takes as long for few rows as for many
    targets = frame[measure_of == PARITY].set_index(["benchmark", "language", "item"])["logprob"]
    ratios = english.reindex(targets.index).to_numpy() / targets
    values = [right, ratios]
    if (running := measure_of == BITS_PER_BYTE).any():
        documents = bits_and_bytes(frame[running])
        values.append(documents["bits"] / documents.groupby(level=[0, 1])["bytes"].transform("mean"))
    for (benchmark, language), found in pd.concat(values).sort_index().groupby(level=[0, 1], sort=False):
        found = found.droplevel([0, 1])
        if not found.index.equals(items.setdefault((benchmark, language), found.index)):
            raise GrowmergeError(
                f"{name}: was scored on other items of {benchmark} in {language} than the models before it; score again"
            )
        small = measured[benchmark][0] not in (PARITY, BITS_PER_BYTE) and not found.isna().any()
        yield (benchmark, language), found.to_numpy(np.int8 if small else np.float64)
