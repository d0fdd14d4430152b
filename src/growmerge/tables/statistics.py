"""Means, shares and ratios with their intervals, the coefficient of variation, and p-values of many tests.

Which interval for what, and why:

- a share of right answers: Wilson's score interval (Wilson 1927; recommended by Brown, Cai and DasGupta 2001).
  Percentiles of a bootstrap collapse to a point at 0 and 1 and are too narrow near them.
- a mean of shares over groups of items: Price and Bonett's adjustment of Wald's interval (2004).
- a mean over languages: the widths of their intervals combined (`mean_of_independent`).
- a difference of shares over the same items: Wald's interval with Bonett and Price's adjustment (2012), see `paired`.
- means and ratios of numbers without such ends (information parity, chrF++): percentiles of a bootstrap over items
  (Efron and Tibshirani 1993; for translations, Koehn 2004).

None of them over fewer than `FEWEST_ITEMS` items (`of_enough`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

PERCENTILES = (2.5, 97.5)
Z = float(stats.norm.ppf(0.975))  # standard errors from the middle of a normal distribution to its 95 % limits
# Over fewer items there is no interval. Percentiles of so few are far too narrow, and any honest interval of a share
# spans 40 points or more, so that it says little but how few they are.
FEWEST_ITEMS = 20
# Draws held in memory at once (8 MiB of indices); a benchmark of the full study has more than 200,000 items.
DRAWS_PER_BLOCK = 2**20
# As many distinct values or fewer are resampled by their counts.
_FEW = 3
# Random numbers: a generator, where several strata share it, or the seed of the only one.
_Random = np.random.Generator | int


class Interval(NamedTuple):
    """A mean (or a ratio) and its 95 % interval, in the unit of the values; NaN where it cannot be known."""

    mean: float
    low: float
    high: float


def of_enough(interval: Interval, n: int) -> Interval:
    """The interval over n items; the mean alone if they are fewer than `FEWEST_ITEMS`."""
    return interval if n >= FEWEST_ITEMS else Interval(interval.mean, np.nan, np.nan)


def wilson(share: float, n: int) -> Interval:
    """A share of n independent items with its 95 % Wilson score interval (Wilson 1927); NaN throughout without items.

    The shares that a normal approximation does not reject at 5 %, each with the variance that it implies: so the
    interval has a width at 0 and 1, too, and stays between them.
    """
    if n == 0 or np.isnan(share):
        return Interval(np.nan, np.nan, np.nan)
    middle = (share + Z**2 / (2 * n)) / (1 + Z**2 / n)
    reach = Z / (1 + Z**2 / n) * np.sqrt(share * (1 - share) / n + Z**2 / (4 * n**2))
    return _around(share, middle, reach)


def mean_of_shares(strata: Sequence[NDArray[np.float64]]) -> Interval:
    """Unweighted mean of the strata's shares, with its 95 % interval; strata are zeros and ones of shape (n_i,).

    For a single stratum it is Wilson's. For m strata it is that of Price and Bonett (2004) for linear functions of
    shares: Wald's, after 2 / m successes and 2 / m failures are added to each. (Wilson's intervals combined cover a
    mean of many small strata in 84 to 87 %.) NaN throughout without strata, with an empty stratum, or with a NaN.
    """
    sizes = np.array([len(stratum) for stratum in strata], dtype=np.float64)
    if len(strata) == 0 or sizes.min() == 0 or any(np.isnan(stratum).any() for stratum in strata):
        return Interval(np.nan, np.nan, np.nan)
    shares = np.array([np.mean(stratum) for stratum in strata])
    mean = float(shares.mean())
    if len(strata) == 1:
        return wilson(mean, len(strata[0]))
    more = 2 / len(strata)
    enlarged = sizes + 2 * more
    moved = (shares * sizes + more) / enlarged
    middle, reach = moved.mean(), Z * np.sqrt((moved * (1 - moved) / enlarged).sum()) / len(strata)
    return _around(mean, middle, reach)


def _around(share: float, middle: float, reach: float) -> Interval:
    """From `middle - reach` to `middle + reach` as far as these are shares; rounding must not leave `share` outside."""
    return Interval(share, float(max(0.0, min(middle - reach, share))), float(min(1.0, max(middle + reach, share))))


def mean_of_independent(intervals: Sequence[Interval]) -> Interval:
    """Unweighted mean of independent estimates, with a 95 % interval from theirs; NaN throughout if one is NaN.

    Half of each width stands for 1.96 standard errors: root of their sum of squares, over their number. The ends are
    not beyond the means of the ends, as the estimates may have bounds. (Zou and Donner (2008) take the distances to
    either end instead: simulated means of shares near 1 are then covered in 89 to 93 %, instead of 94 % or more.) If
    one has no interval, the mean has none.
    """
    means, lows, highs = np.array(intervals, dtype=np.float64).reshape(-1, 3).T
    if means.size == 0 or np.isnan(means).any():
        return Interval(np.nan, np.nan, np.nan)
    mean = means.mean()
    reach = np.sqrt((((highs - lows) / 2) ** 2).sum()) / means.size
    low, high = np.maximum(mean - reach, lows.mean()), np.minimum(mean + reach, highs.mean())
    return Interval(float(mean), float(low), float(high))


def bootstrap_mean(values: NDArray[np.float64], resamples: int, seed: int) -> Interval:
    """Mean of `values`, shape (n,), with the 95 % percentile interval of `resamples` resamples of the n values.

    If there are no values, or one is NaN, all results are NaN: a mean over the others would answer another question. A
    single value has a mean but no interval. Equal arguments give equal results.
    """
    return bootstrap_mean_of_means([values], resamples, seed)


def bootstrap_mean_of_means(strata: Sequence[NDArray[np.float64]], resamples: int, seed: int) -> Interval:
    """Unweighted mean of the strata's means; each stratum, shape (n_i,), is resampled within itself.

    NaN throughout without strata, with an empty stratum, or with a NaN in one; no interval if a stratum has one value.
    Raises ValueError for fewer than one of `resamples`.
    """
    if resamples < 1:
        raise ValueError(f"resamples must be at least 1, not {resamples}")
    arrays = [np.asarray(stratum, dtype=np.float64) for stratum in strata]
    if not arrays or any(array.size == 0 or np.isnan(array).any() for array in arrays):
        return Interval(np.nan, np.nan, np.nan)
    mean = float(np.mean([array.mean() for array in arrays]))
    if min(array.size for array in arrays) == 1:
        return Interval(mean, np.nan, np.nan)
    rng = seed if len(arrays) == 1 else np.random.default_rng(seed)
    means = np.mean([_resampled_means(array, resamples, rng) for array in arrays], axis=0)
    low, high = np.percentile(means, PERCENTILES)
    return Interval(mean, float(low), float(high))


def bootstrap_mean_of_ratios_of_sums(
    strata: Sequence[tuple[NDArray[np.float64], NDArray[np.float64]]], resamples: int, seed: int
) -> Interval:
    """Unweighted mean over strata of the sum of numerators over the sum of denominators, with the 95 % interval.

    A stratum is (numerators, denominators), both of shape (n_i,), and is resampled within itself, numerator and
    denominator of an item together. NaN throughout without strata, with an empty stratum, or with a NaN in one; no
    interval if a stratum has one item. Raises ValueError for fewer than one of `resamples`, and for a stratum whose
    numerators and denominators differ in shape.
    """
    if resamples < 1:
        raise ValueError(f"resamples must be at least 1, not {resamples}")
    pairs = [(np.asarray(above, dtype=np.float64), np.asarray(below, dtype=np.float64)) for above, below in strata]
    for above, below in pairs:
        if above.shape != below.shape:
            raise ValueError(f"{above.size} numerators and {below.size} denominators do not pair up")
    if not pairs or any(above.size == 0 or np.isnan(above).any() or np.isnan(below).any() for above, below in pairs):
        return Interval(np.nan, np.nan, np.nan)
    mean = float(np.mean([above.sum() / below.sum() for above, below in pairs]))
    if min(above.size for above, _ in pairs) == 1:
        return Interval(mean, np.nan, np.nan)
    rng = seed if len(pairs) == 1 else np.random.default_rng(seed)
    ratios = np.mean([_resampled_ratios(above, below, resamples, rng) for above, below in pairs], axis=0)
    low, high = np.percentile(ratios, PERCENTILES)
    return Interval(mean, float(low), float(high))


def mean_difference(differences: NDArray[np.float64]) -> Interval:
    """Mean of the known (not NaN) `differences`, shape (n,), with its 95 % t interval, which needs at least two."""
    known = differences[~np.isnan(differences)]
    if len(known) < 2:
        return Interval(float(known.mean()) if len(known) else np.nan, np.nan, np.nan)
    mean = float(known.mean())
    reach = float(stats.t.ppf(0.975, len(known) - 1) * known.std(ddof=1) / np.sqrt(len(known)))
    return Interval(mean, mean - reach, mean + reach)


def holm(p: ArrayLike) -> NDArray[np.float64]:
    """p-values of n tests, shape (n,), adjusted for their number (Holm 1979).

    Whoever rejects those below a level errs anywhere among the n with at most that probability. NaN are no tests: they
    stay NaN and do not count.
    """
    adjusted = np.array(p, dtype=np.float64)
    known = np.flatnonzero(~np.isnan(adjusted))
    rising = known[np.argsort(adjusted[known], kind="stable")]
    adjusted[rising] = np.minimum(1.0, np.maximum.accumulate(adjusted[rising] * np.arange(rising.size, 0, -1)))
    return adjusted


def mean_and_cv(values: ArrayLike) -> tuple[float, float]:
    """Mean of `values`, shape (n,), and their coefficient of variation in percent (Aycock et al. 2026).

    CV% = 100 x standard deviation (n - 1 in the denominator) / mean. NaN for fewer than two values, a mean of 0, or a
    NaN among the values.
    """
    array = np.asarray(values, dtype=np.float64)
    if array.size == 0:
        return np.nan, np.nan
    mean = float(array.mean())
    if array.size == 1 or mean == 0.0:
        return mean, np.nan
    return mean, float(100.0 * array.std(ddof=1) / mean)


def _resampled_means(values: NDArray[np.float64], resamples: int, rng: _Random) -> NDArray[np.float64]:
    """Means of `resamples` resamples with replacement, shape (resamples,)."""
    n = values.size
    distinct, counts = np.unique(values, return_counts=True)
    if distinct.size <= _FEW:
        # Right and wrong, or better, same and worse: how often a resample holds each is multinomial. The same
        # distribution as drawing items, at a cost that does not grow with n.
        return np.random.default_rng(rng).multinomial(n, counts[::-1] / n, size=resamples) @ distinct[::-1] / n
    return np.concatenate([values[items].mean(axis=1) for items in _draws(n, resamples, rng)])


def _resampled_ratios(
    above: NDArray[np.float64], below: NDArray[np.float64], resamples: int, rng: _Random
) -> NDArray[np.float64]:
    """Ratios of the sums of `resamples` resamples with replacement, shape (resamples,)."""
    draws = _draws(above.size, resamples, rng)
    return np.concatenate([above[items].sum(axis=1) / below[items].sum(axis=1) for items in draws])


def _draws(n: int, resamples: int, rng: _Random) -> Iterable[NDArray[np.int64]]:
    """Blocks of resamples of n items, as indices of shape (resamples in the block, n)."""
    if isinstance(rng, int) and n * resamples <= DRAWS_PER_BLOCK:
        return [_draws_of_seed(n, resamples, rng)]
    rows = max(1, DRAWS_PER_BLOCK // n)
    rng = np.random.default_rng(rng)
    return (rng.integers(n, size=(min(rows, resamples - start), n)) for start in range(0, resamples, rows))


@lru_cache(maxsize=8)
def _draws_of_seed(n: int, resamples: int, seed: int) -> NDArray[np.int64]:
    """Kept, since the items of a benchmark are resampled alike for each of thousands of models."""
    drawn = np.random.default_rng(seed).integers(n, size=(resamples, n))
    drawn.flags.writeable = False
    return drawn
