"""Correlations over pairs of languages, with what can be said of their certainty."""

from __future__ import annotations

from itertools import permutations
from math import factorial
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from growmerge.tables.statistics import PERCENTILES

RELABELLINGS = 10_000  # most of a permutation test: all there are, for up to seven languages

Values = NDArray[np.float64]
Coefficient = Literal["pearson", "spearman"]


class Correlation(NamedTuple):
    """A coefficient over n pairs, its two-sided p-values for a coefficient of zero, and its 95 % interval.

    `p` takes the pairs for independent, as scipy does (for Pearson's by the t distribution under normality, for
    Spearman's by its approximation). They are not, since pairs share languages: `p_permuted` relabels the languages
    (Mantel 1967). `low` and `high` are percentiles over resampled pairs. NaN where something is not defined.
    """

    n: int
    value: float
    p: float
    p_permuted: float
    low: float
    high: float


def correlate(pairs: pd.DataFrame, coefficient: Coefficient, resamples: int, seed: int) -> Correlation:
    """Correlate the columns `x` and `y` of `pairs`, whose columns `setup`, `first` and `second` say what a pair is.

    Rows with a NaN are left out. Pearson's r, or Spearman's rho with mean ranks for ties; NaN for fewer than three
    pairs or if one of the two is constant. With several setups the permutation test relabels the languages of all of
    them in the same way, and passes over relabellings that ask for a pair that is not there; there are `RELABELLINGS`
    random ones where there are too many languages for all. Resamples without a coefficient are passed over. Equal
    arguments give equal results.
    """
    known = pairs.dropna(subset=["x", "y"])
    x, y = known["x"].to_numpy(np.float64), known["y"].to_numpy(np.float64)
    if len(x) < 3 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return Correlation(len(x), *[np.nan] * 5)
    value, p = (stats.pearsonr if coefficient == "pearson" else stats.spearmanr)(x, y)
    rng = np.random.default_rng(seed)
    shuffled = _relabelled(known, rng)
    far = np.abs(_coefficients(x[shuffled], y[None, :], coefficient))
    # Relabellings that only exchange what is alike give the same coefficient but for rounding.
    p_permuted = np.mean(far >= abs(value) - 1e-12)
    draws = rng.integers(len(x), size=(resamples, len(x)))
    resampled = _coefficients(x[draws], y[draws], coefficient)
    low, high = np.percentile(resampled[np.isfinite(resampled)], PERCENTILES)
    return Correlation(len(x), *map(float, (value, p, p_permuted, low, high)))


def _coefficients(x: Values, y: Values, coefficient: Coefficient) -> Values:
    """The coefficients of rows [k, n]; NaN where one of the two is constant."""
    if coefficient == "spearman":
        x, y = stats.rankdata(x, axis=1), stats.rankdata(y, axis=1)
    x, y = x - x.mean(axis=1, keepdims=True), y - y.mean(axis=1, keepdims=True)
    scale = np.sqrt((x * x).sum(axis=1) * (y * y).sum(axis=1))
    products = (x * y).sum(axis=1)
    # Of a constant row, rounding may leave something.
    return np.divide(
        products, scale, out=np.full_like(products, np.nan), where=scale > 1e-14 * np.abs(x).max(initial=0)
    )


def _relabelled(pairs: pd.DataFrame, rng: np.random.Generator) -> NDArray[np.int64]:
    """For each relabelling of the languages, the row that every pair is taken for, [relabellings, n]; first, itself."""
    languages = sorted({*pairs["first"], *pairs["second"]})
    count = len(languages)
    if factorial(count) <= RELABELLINGS:
        labels = np.array(list(permutations(range(count))))
    else:
        drawn = rng.permuted(np.tile(np.arange(count), (RELABELLINGS - 1, 1)), axis=1)
        labels = np.vstack([np.arange(count), drawn])
    setup = pd.factorize(pairs["setup"])[0]
    first, second = (pairs[side].map(languages.index).to_numpy() for side in ("first", "second"))
    row_of = np.full((setup.max() + 1, count, count), -1)
    row_of[setup, first, second] = row_of[setup, second, first] = np.arange(len(pairs))
    rows = row_of[setup, labels[:, first], labels[:, second]]
    whole: NDArray[np.int64] = rows[(rows >= 0).all(axis=1)]
    return whole
