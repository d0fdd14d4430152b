"""From log-probabilities of candidates to right, wrong and tie."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from growmerge.benchmarks.pieces import document_of
from growmerge.catalogue.entry import Normalisation
from growmerge.errors import GrowmergeError

_ITEM = ("benchmark", "language", "item")
_LENGTHS = {"token": "tokens", "character": "characters"}


def normalised(rows: pd.DataFrame, by: Normalisation) -> pd.Series:
    """Log-probability of each row of a score table, in nats: its sum, or per token or character of the text."""
    return rows["logprob"] if by == "sum" else rows["logprob"] / rows[_LENGTHS[by]]


def normalised_by_benchmark(rows: pd.DataFrame, by: Mapping[str, Normalisation]) -> pd.Series:
    """The same, each benchmark by what `by` says of it; those that it does not name by their sum."""
    how = rows["benchmark"].map(by)
    logprobs = rows["logprob"].copy()
    for chosen in ("token", "character"):
        if (those := how == chosen).any():
            logprobs[those] = normalised(rows[those], chosen)
    return logprobs


def bits_and_bytes(rows: pd.DataFrame) -> pd.DataFrame:
    """What the documents of running text cost, by (benchmark, language, document), sorted: columns `bits` and `bytes`.

    `bits` is minus the summed log-probability, to base 2, of all pieces of a document. Bits per byte are the sum of
    `bits` over the sum of `bytes`: the length of a code for the text, whatever the tokenizer (Gao et al. 2020, The
    Pile, section 3.1). `bits` is NaN where a log-probability is NaN.
    """
    pieces = rows[["benchmark", "language"]].assign(
        document=rows["item"].map(document_of), bits=-rows["logprob"] / np.log(2), bytes=rows["bytes"]
    )
    of_pieces = pieces.groupby(["benchmark", "language", "document"])
    found = of_pieces.sum()
    return found.assign(bits=found["bits"].where(of_pieces["bits"].count() == of_pieces.size()))


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
    scored = rows[list(_ITEM)].assign(logprob=normalised(rows, by))
    is_first = (rows["candidate"] == 0).to_numpy()
    first = scored[is_first].set_index(list(_ITEM))["logprob"]
    others = scored[~is_first].groupby(list(_ITEM))["logprob"].agg(best="max", known="count", number="size")
    if len(unpaired := first.index.symmetric_difference(others.index)):
        benchmark, language, _ = unpaired[0]
        raise GrowmergeError(
            f"{benchmark} in {language}: {len(unpaired)} items lack candidate 0 or have nothing beside it; score again"
        )
    others = others.reindex(first.index)
    known = first.notna() & (others["known"] == others["number"])
    return pd.DataFrame(
        {
            "right": (first > others["best"]).astype(float).where(known),
            "tie": (first == others["best"]) & known,
            "candidates": others["number"] + 1,
        }
    )
