"""Whether one model is better than another on the same items."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from growmerge.tables.statistics import Interval, bootstrap_mean


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


def paired_difference(differences: NDArray[np.float64], resamples: int, seed: int) -> PairedDifference:
    """Of first minus second for every item, shape (n,), in an order that does not depend on the models.

    Items are resampled, each with both of its values. Equal arguments give equal results. Without items, or with a NaN
    among them, `difference` is NaN.
    """
    better, worse = int((differences > 0).sum()), int((differences < 0).sum())
    interval = bootstrap_mean(differences, resamples, seed)
    return PairedDifference(interval, sign_test(better, worse), better, worse, len(differences))


def sign_test(better: int, worse: int) -> float:
    """Two-sided: twice the probability of so few of the rarer sign or fewer among fair coins, at most 1."""
    return min(1.0, 2.0 * float(stats.binom.cdf(min(better, worse), better + worse, 0.5)))
