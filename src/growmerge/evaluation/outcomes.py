"""From log-probabilities of candidates to right, wrong and tie."""

from __future__ import annotations

import pandas as pd

from growmerge.evaluation.benchmarks.entry import Normalisation

_LENGTHS = {"token": "tokens", "character": "characters"}


def normalised(rows: pd.DataFrame, by: Normalisation) -> pd.Series:
    """Log-probability of each row of a score table, in nats: its sum, or per token or character of the text."""
    return rows["logprob"] if by == "sum" else rows["logprob"] / rows[_LENGTHS[by]]


def outcomes(rows: pd.DataFrame, by: Normalisation = "sum") -> pd.DataFrame:
    """Whether the items of one cell, in their order, are `right` or a `tie` (booleans, indexed by item).

    Right is an item whose candidate 0 is the most probable by itself; with another as probable to the bit it is a tie,
    which is not right. (lm-evaluation-harness takes the first of the most probable, which helps answers that stand
    first.) Every item needs candidate 0 and another one.
    """
    scores = normalised(rows, by)
    first = rows["candidate"] == 0
    right = scores[first].set_axis(rows.loc[first, "item"])
    others = scores[~first].groupby(rows.loc[~first, "item"]).max().reindex(right.index)
    return pd.DataFrame({"right": right > others, "tie": right == others})
