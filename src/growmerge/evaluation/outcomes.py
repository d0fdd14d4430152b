"""From log-probabilities of candidates to right, wrong and tie; from those of texts to bits and bytes.

Which rows of a score table belong together is the same for all models that were scored on the same items:
`Candidates` and `Documents` find it once, and take the log-probabilities of one model after another.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from growmerge.benchmarks.pieces import document_of
from growmerge.catalogue.entry import Normalisation
from growmerge.errors import GrowmergeError

_ITEM = ("benchmark", "language", "item")
_LENGTHS = {"token": "tokens", "character": "characters"}


def normalised(rows: pd.DataFrame, by: Normalisation) -> pd.Series:
    """Log-probability of each row of a score table, in nats: its sum, or per token or character of the text."""
    return rows["logprob"] if by == "sum" else rows["logprob"] / rows[_LENGTHS[by]]


def lengths(rows: pd.DataFrame, by: Mapping[str, Normalisation]) -> NDArray[np.float64]:
    """What to divide the log-probability of each row by, each benchmark by what `by` says of it, else by 1: (rows,)."""
    how = rows["benchmark"].map(by).to_numpy()
    found = np.ones(len(rows))
    for chosen, column in _LENGTHS.items():
        if (those := how == chosen).any():
            found[those] = rows[column].to_numpy()[those]
    return found


@dataclass(frozen=True)
class Candidates:
    """Which rows of a score table are candidates of one item.

    Attributes:
        index: (benchmark, language, item) of the n items, in the order of their candidates 0.
        first: the place of the candidate 0 of each, shape (n,).
        others: the places of all other candidates, item after item; items of one name share theirs.
        starts: where those of each name begin in `others`, shape (names,).
        name: which of the names each item has, shape (n,).
        number: of candidates of each, shape (n,).
    """

    index: pd.MultiIndex
    first: NDArray[np.intp]
    others: NDArray[np.intp]
    starts: NDArray[np.intp]
    name: NDArray[np.intp]
    number: NDArray[np.int64]

    @classmethod
    def of(cls, rows: pd.DataFrame) -> Candidates:
        """Find them. Raises GrowmergeError for items without candidate 0, or with nothing beside it."""
        names = pd.MultiIndex.from_frame(rows[list(_ITEM)])
        is_first = (rows["candidate"] == 0).to_numpy()
        index, others = names[is_first], names[~is_first]
        unique = index.unique()
        places = unique.get_indexer(others)
        beside = np.bincount(places[places >= 0], minlength=len(unique))
        if (places < 0).any() or not beside.all():
            unpaired = index.symmetric_difference(others.unique())
            benchmark, language, _ = unpaired[0]
            raise GrowmergeError(
                f"{benchmark} in {language}: {len(unpaired)} items lack candidate 0 or have nothing beside it; score "
                "again"
            )
        in_order = np.flatnonzero(~is_first)[np.argsort(places, kind="stable")]
        starts, name = np.cumsum(beside) - beside, unique.get_indexer(index)
        return cls(index, np.flatnonzero(is_first), in_order, starts, name, beside[name] + 1)

    def judge(self, logprobs: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """What became of the items by the log-probabilities of all rows: `right` and `tie` of `outcomes`, both (n,)."""
        if not len(self.index):
            return np.zeros(0), np.zeros(0, dtype=bool)
        first, others = logprobs[self.first], logprobs[self.others]
        best = np.fmax.reduceat(others, self.starts)[self.name]
        known = ~(np.isnan(first) | np.logical_or.reduceat(np.isnan(others), self.starts)[self.name])
        return np.where(known, first > best, np.nan), known & (first == best)


@dataclass(frozen=True)
class Documents:
    """Which rows of a score table are pieces of one document of running text.

    Attributes:
        index: (benchmark, language, document) of the n documents, sorted.
        of_row: the place of the document of each row, shape (rows,).
        bytes: the length of each document in UTF-8, shape (n,).
        cells: by (benchmark, language), the places of its documents.
    """

    index: pd.MultiIndex
    of_row: NDArray[np.intp]
    bytes: NDArray[np.int64]
    cells: dict[tuple[str, str], NDArray[np.intp]]

    @classmethod
    def of(cls, rows: pd.DataFrame) -> Documents:
        """Find them in the rows of running text."""
        documents = rows[["benchmark", "language"]].assign(document=rows["item"].map(document_of), bytes=rows["bytes"])
        grouped = documents.groupby(["benchmark", "language", "document"])["bytes"]
        summed = grouped.sum()
        cells = summed.groupby(level=["benchmark", "language"]).indices
        return cls(summed.index, grouped.ngroup().to_numpy(), summed.to_numpy(), cells)

    def bits(self, logprobs: NDArray[np.float64]) -> NDArray[np.float64]:
        """The bits of each document, shape (n,), from the log-probabilities (nats) of all rows; NaN where one is NaN.

        Minus the summed log-probability, to base 2, of all pieces of the document. Bits per byte are the sum of the
        bits over the sum of `bytes`: the length of a code for the text, whatever the tokenizer (Gao et al. 2020, The
        Pile, section 3.1).
        """
        pieces = pd.Series(-logprobs / np.log(2)).groupby(self.of_row)
        summed = pieces.sum()  # compensated, unlike NumPy's
        return summed.where(pieces.count() == pieces.size()).to_numpy()


def bits_per_byte(rows: pd.DataFrame) -> float:
    """The bits per byte of all rows together."""
    return float(-rows["logprob"].sum(skipna=False) / np.log(2) / rows["bytes"].sum())


def outcomes(rows: pd.DataFrame, by: Normalisation = "sum") -> pd.DataFrame:
    """What became of the items of one or several cells, by (benchmark, language, item), in their order.

    `right` is 1.0 where candidate 0 is the most probable by itself, else 0.0, and NaN where a log-probability is. With
    another as probable to the bit it is a tie (`tie`, a boolean), which is not right. (lm-evaluation-harness takes the
    first of the most probable, which helps answers that stand first.) `candidates` is their number.

    Raises GrowmergeError for items without candidate 0, or with nothing beside it.
    """
    candidates = Candidates.of(rows)
    right, tie = candidates.judge(normalised(rows, by).to_numpy())
    return pd.DataFrame({"right": right, "tie": tie, "candidates": candidates.number}, index=candidates.index)
