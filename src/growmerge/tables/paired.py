"""Whether one model is better than another on the same items."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from growmerge.tables.seeds import difference_over_seeds
from growmerge.tables.statistics import Interval, Z, bootstrap_mean, of_enough


class PairedDifference(NamedTuple):
    """What a first model has more than a second on the same items.

    Attributes:
        difference: mean of first minus second over the items, with its 95 % interval.
        p: of the exact sign test, two-sided: how often fair coins, one for each item on which the models differ, fall
            as unevenly as that. If items are right or wrong answers, it is McNemar's exact test. With replicates, it is
            that of `seeds.difference_over_seeds`.
        better: items on which the first is better.
        worse: items on which it is worse.
        n: items.
    """

    difference: Interval
    p: float
    better: int
    worse: int
    n: int


def paired_difference(
    differences: NDArray[np.float64], resamples: int, seed: int, *, lower_is_better: bool = False
) -> PairedDifference:
    """Compare two models by `differences`, first minus second, shape (n,), in an order that does not depend on them.

    Items are resampled, each with both of its values. Equal arguments give equal results. Without items, or with a NaN
    among them, `difference` is NaN; it has no interval if there are fewer than `statistics.FEWEST_ITEMS`. With
    `lower_is_better`, the first model is better on the items whose difference is negative.
    """
    return _paired(bootstrap_mean(differences, resamples, seed), -differences if lower_is_better else differences)


def paired_outcomes(differences: NDArray[np.float64] | NDArray[np.int8]) -> PairedDifference:
    """The same of right (1) and wrong (0) answers: `differences` are -1, 0 and 1.

    The interval is Wald's, of the counts of -1 and 1 with one added to each (Bonett and Price 2012; recommended by
    Fagerland, Lydersen and Laake 2014): two models that answer all items alike are not known to be equal.
    """
    n = len(differences)
    if n == 0 or np.isnan(differences).any():
        return _paired(Interval(np.nan, np.nan, np.nan), differences)
    better, worse = ((np.count_nonzero(differences == sign) + 1) / (n + 2) for sign in (1, -1))
    reach = Z * np.sqrt((better + worse - (better - worse) ** 2) / (n + 2))
    middle = better - worse
    mean = float(np.mean(differences))
    return _paired(Interval(mean, float(max(middle - reach, -1.0)), float(min(middle + reach, 1.0))), differences)


def paired_over_seeds(
    differences: NDArray[np.float64], *, outcomes: bool, lower_is_better: bool = False
) -> PairedDifference:
    """The same of replicates, `differences` of shape (seeds, n): see `seeds.difference_over_seeds`, also for `p`.

    `better` and `worse` count items by the mean over seeds.
    """
    found = difference_over_seeds(differences, outcomes=outcomes)
    gains = differences.mean(axis=0)
    return _paired(found.interval, -gains if lower_is_better else gains)._replace(p=found.p)


def _paired(difference: Interval, gains: NDArray[np.float64] | NDArray[np.int8]) -> PairedDifference:
    better, worse = int((gains > 0).sum()), int((gains < 0).sum())
    n = len(gains)
    return PairedDifference(of_enough(difference, n), sign_test(better, worse), better, worse, n)


def sign_test(better: int, worse: int) -> float:
    """Exact two-sided sign test: min(1, 2 P[X <= min(better, worse)]), X ~ Binomial(better + worse, 1/2)."""
    return min(1.0, 2.0 * float(stats.binom.cdf(min(better, worse), better + worse, 0.5)))
