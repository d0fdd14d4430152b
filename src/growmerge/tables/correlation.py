"""Correlations over pairs of languages, with what can be said of their certainty."""

from __future__ import annotations

from itertools import permutations
from math import factorial
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

RELABELLINGS = 10_000  # most of a permutation test: all there are, for up to seven languages
FEWEST_LANGUAGES = 4  # for an interval: resamples of three hold at most one set of three pairs
STRONGEST = 1 - 1e-6  # of a resample, as a perfect coefficient is infinite on Fisher's scale

Values = NDArray[np.float64]
Coefficient = Literal["pearson", "spearman"]


class Correlation(NamedTuple):
    """A coefficient over n pairs, two two-sided p-values for a coefficient of zero, and a 95 % interval.

    Pairs share languages, so they are not independent: the units that were sampled are the languages.

    - `p` takes the pairs for independent, as scipy and Aycock et al. (2026, Table 8) do: for Pearson's by the t
      distribution under normality, for Spearman's by its approximation.
    - `p_permuted` relabels the languages of one of the two variables (Mantel 1967).
    - `low` and `high` come from resampling languages, each with all its pairs: the vertex bootstrap of Snijders and
      Borgatti (1999). A pair counts as often as its two languages are drawn, and pairs of a language with its own copy
      are left out instead of replaced. Its standard error is taken on Fisher's scale, artanh of the coefficient, with
      quantiles of the t distribution with two degrees of freedom less than there are languages. Spearman's ranks are
      those of all pairs.

    Ten languages with additive effects in both variables and nothing to find between them, simulated: the interval
    covers zero in 92 to 99 % by the noise of single pairs (percentiles over resampled pairs: 45 to 80 %), `p_permuted`
    is below .05 in 5 %, `p` in 20 to 39 %. NaN where something is not defined.
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
    random ones where there are too many languages for all. Resamples without a coefficient are passed over, and there
    is no interval for fewer than `FEWEST_LANGUAGES` languages. Equal arguments give equal results.
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
    low, high = _interval(known, value, coefficient, resamples, rng)
    return Correlation(len(x), *map(float, (value, p, p_permuted, low, high)))


def _interval(
    pairs: pd.DataFrame, value: float, coefficient: Coefficient, resamples: int, rng: np.random.Generator
) -> tuple[float, float]:
    """The 95 % interval around `value` by resampling languages, those of all setups together."""
    languages = sorted({*pairs["first"], *pairs["second"]})
    count = len(languages)
    if count < FEWEST_LANGUAGES:
        return np.nan, np.nan
    drawn = rng.multinomial(
        count, np.full(count, 1 / count), size=resamples
    )  # how often each language, [resamples, count]
    first, second = (pairs[side].map(languages.index).to_numpy() for side in ("first", "second"))
    x, y = pairs["x"].to_numpy(np.float64), pairs["y"].to_numpy(np.float64)
    if coefficient == "spearman":
        x, y = stats.rankdata(x), stats.rankdata(y)
    found = _weighted(x, y, (drawn[:, first] * drawn[:, second]).astype(np.float64))
    found = found[np.isfinite(found)]
    if len(found) < 2:
        return np.nan, np.nan
    centre, resampled = (np.arctanh(np.clip(r, -STRONGEST, STRONGEST)) for r in (value, found))
    reach = stats.t.ppf(0.975, count - 2) * resampled.std(ddof=1)
    return float(np.tanh(centre - reach)), float(np.tanh(centre + reach))


def _weighted(x: Values, y: Values, weights: Values) -> Values:
    """Pearson's r of x and y, [n], for each row of weights [k, n]; NaN where one of the two is constant."""
    # Deviations from the means of all: those from a row's own, squared, would lose digits to large values.
    x, y = x - x.mean(), y - y.mean()
    total = weights.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean_x, mean_y = weights @ x / total, weights @ y / total
        of_x, of_y = weights @ (x * x) / total - mean_x**2, weights @ (y * y) / total - mean_y**2
        known = (of_x > 1e-12 * np.mean(x * x)) & (of_y > 1e-12 * np.mean(y * y))
        return np.where(known, (weights @ (x * y) / total - mean_x * mean_y) / np.sqrt(of_x * of_y), np.nan)


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
