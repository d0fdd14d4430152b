"""Correlations over pairs that share languages: simulated studies, of which the truth is known."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest

from growmerge.tables import correlation
from growmerge.tables.correlation import FEWEST_LANGUAGES, correlate


def study(rng: np.random.Generator, count: int, shared: float, noise: float) -> pd.DataFrame:
    """Pairs of `count` languages: x and y are sums of effects of the two languages, which correlate by `shared`."""
    first, second = np.array(list(combinations(range(count), 2))).T
    of_x, other = rng.standard_normal((2, count))
    of_y = shared * of_x + np.sqrt(1 - shared**2) * other
    x, y = (of[first] + of[second] + noise * rng.standard_normal(len(first)) for of in (of_x, of_y))
    names = np.array([f"l{i:02}" for i in range(count)])
    return pd.DataFrame({"setup": "2x", "first": names[first], "second": names[second], "x": x, "y": y})


@pytest.mark.parametrize("coefficient", ["pearson", "spearman"])
def test_where_there_is_nothing_to_find_little_is_found(coefficient, monkeypatch) -> None:
    monkeypatch.setattr(correlation, "RELABELLINGS", 500)
    rng = np.random.default_rng(14)
    found = [correlate(study(rng, 10, 0.0, 0.5), coefficient, 200, seed) for seed in range(300)]
    covered = np.mean([one.low <= 0 <= one.high for one in found])
    permuted, of_pairs = (np.mean([getattr(one, p) < 0.05 for one in found]) for p in ("p_permuted", "p"))
    assert 0.93 <= covered <= 0.99
    assert 0.02 <= permuted <= 0.08  # two standard errors around .05
    assert of_pairs > 0.25, "as if pairs were independent: why there is another p-value"


@pytest.mark.parametrize("noise", [0.0, 0.5])
def test_the_interval_covers_a_correlation_that_there_is(noise, monkeypatch) -> None:
    monkeypatch.setattr(correlation, "RELABELLINGS", 10)
    rng, shared = np.random.default_rng(3), 0.7
    found = [correlate(study(rng, 12, shared, noise), "pearson", 200, seed) for seed in range(300)]
    truth = 2 * shared / (2 + noise**2)  # over many languages: covariance over variance of two effects and the noise
    assert 0.92 <= np.mean([one.low <= truth <= one.high for one in found]) <= 0.99
    assert all(-1 <= one.low < one.value < one.high <= 1 for one in found)


def test_few_languages_have_no_interval_and_a_setup_more_adds_no_language() -> None:
    rng = np.random.default_rng(0)
    three = study(rng, FEWEST_LANGUAGES - 1, 0.5, 1.0)
    both = pd.concat([three, study(rng, FEWEST_LANGUAGES - 1, 0.5, 1.0).assign(setup="1x")])
    for pairs in (three, both):
        found = correlate(pairs, "pearson", 100, 0)
        assert not np.isnan(found.value)
        assert np.isnan([found.low, found.high]).all()
    assert not np.isnan(correlate(study(rng, FEWEST_LANGUAGES, 0.5, 1.0), "pearson", 100, 0).low)


def test_a_language_is_drawn_with_the_pairs_of_all_setups() -> None:
    pairs = study(np.random.default_rng(5), 8, 0.6, 0.3)
    twice = pd.concat([pairs, pairs.assign(setup="1x")])
    one, other = (correlate(rows, "pearson", 300, 1) for rows in (pairs, twice))
    assert (other.value, other.low, other.high) == pytest.approx((one.value, one.low, one.high), abs=1e-9)
    assert other.p < one.p, "to which the copies are news"


def test_values_far_from_zero_lose_no_digits() -> None:
    pairs = study(np.random.default_rng(6), 8, 0.6, 0.3)
    moved = pairs.assign(x=pairs["x"] + 1e5, y=1e-4 * pairs["y"] - 3)
    one, other = (correlate(rows, "pearson", 300, 1) for rows in (pairs, moved))
    assert (other.low, other.high) == pytest.approx((one.low, one.high), abs=1e-6)
