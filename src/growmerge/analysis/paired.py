"""Whether one model is better than another on the same items."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from growmerge.analysis.statistics import Interval, bootstrap_mean
from growmerge.errors import GrowmergeError


class PairedDifference(NamedTuple):
    """What a first model has more than a second on the same items.

    Attributes:
        difference: mean of first minus second over the items, with its 95 % interval.
        p: of the exact sign test, two-sided: how often fair coins, one for each item on which the models differ, fall
            as unevenly as that. Of right and wrong answers it is McNemar's exact test.
        better: items on which the first is better.
        worse: items on which it is worse.
        n: items.
    """

    difference: Interval
    p: float
    better: int
    worse: int
    n: int


def paired_difference(a: pd.Series, b: pd.Series, resamples: int, seed: int) -> PairedDifference:
    """The mean of `a` - `b`, two models' values (right or wrong, or any number) by item, in whatever order of items.

    Items are resampled, each with both of its values. Equal arguments give equal results.

    Raises GrowmergeError where an item is there twice, or only one of the models has it: over other items the means
    would differ, too. So it does for values that are not known (NaN), and where there are no items.
    """
    for name, values in (("first", a), ("second", b)):
        if doubled := int(values.index.duplicated().sum()):
            raise GrowmergeError(f"the {name} model has {doubled} items twice; score again")
        if unknown := int(values.isna().sum()):
            raise GrowmergeError(f"the {name} model has {unknown} items without a value; score again")
    if lonely := a.index.symmetric_difference(b.index).size:
        raise GrowmergeError(f"{lonely} items are not those of both models; score both on the same benchmark")
    if a.empty:
        raise GrowmergeError("there are no items to compare two models on; score both on a benchmark with items")
    # By item, so that the order of rows decides nothing.
    differences = (a.astype(np.float64) - b.astype(np.float64)).sort_index().to_numpy()
    return of_differences(differences, resamples, seed)


def of_differences(differences: NDArray[np.float64], resamples: int, seed: int) -> PairedDifference:
    """The same of first minus second for every item, shape (n,), in an order that does not depend on the models."""
    better, worse = int((differences > 0).sum()), int((differences < 0).sum())
    interval = bootstrap_mean(differences, resamples, seed)
    return PairedDifference(interval, sign_test(better, worse), better, worse, len(differences))


def sign_test(better: int, worse: int) -> float:
    """Two-sided: twice the probability of so few of the rarer sign or fewer among fair coins, at most 1."""
    return min(1.0, 2.0 * float(stats.binom.cdf(min(better, worse), better + worse, 0.5)))
