"""Two models on the same items: the difference, how sure it is, and when it may not be taken at all."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from growmerge.analysis.paired import paired_difference
from growmerge.errors import GrowmergeError


def answers(right: list[int]) -> pd.Series:
    return pd.Series(right, index=[f"item-{i}" for i in range(len(right))], dtype=bool)


def test_the_difference_is_that_of_the_accuracies_and_its_interval_that_of_items_drawn_together():
    rng = np.random.default_rng(1)
    hard = rng.random(400)
    a, b = answers(hard < 0.8), answers(hard < 0.7)  # b is right only where a is
    found = paired_difference(a, b, 1000, 0)
    assert found.difference.mean == pytest.approx(a.mean() - b.mean())
    assert found.worse == 0
    assert found.n == 400
    # Of differences that are 0 or 1 the standard error is a binomial's; accuracies drawn apart would have twice that.
    p = found.difference.mean
    error = np.sqrt(p * (1 - p) / 400)
    assert found.difference.low == pytest.approx(p - 1.96 * error, abs=0.01)
    assert found.difference.high == pytest.approx(p + 1.96 * error, abs=0.01)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 300), st.integers(0, 300), st.integers(0, 20))
def test_its_p_value_is_the_exact_binomial_one(better: int, worse: int, same: int):
    if not better + worse + same:
        return
    a = answers([1] * better + [0] * worse + [1] * same)
    b = answers([0] * better + [1] * worse + [1] * same)
    expected = stats.binomtest(better, better + worse).pvalue if better + worse else 1.0
    assert paired_difference(a, b, 10, 0).p == pytest.approx(expected)


def test_thousands_of_items_are_no_trouble():
    assert paired_difference(answers([1] * 9000), answers([0] * 9000), 10, 0).p == 0.0
    assert paired_difference(answers([1, 0] * 9000), answers([0, 1] * 9000), 10, 0).p == 1.0


def test_the_order_of_items_decides_nothing():
    rng = np.random.default_rng(2)
    a, b = (answers(list(rng.integers(0, 2, 50))) for _ in range(2))
    shuffled = paired_difference(a.sample(frac=1, random_state=3), b.sample(frac=1, random_state=4), 500, 7)
    assert shuffled == paired_difference(a, b, 500, 7)


def test_exchanged_models_give_the_opposite():
    a, b = answers([1, 1, 1, 0, 1, 0]), answers([0, 1, 0, 0, 1, 1])
    one, other = paired_difference(a, b, 500, 7), paired_difference(b, a, 500, 7)
    assert one.difference.mean == -other.difference.mean
    assert (one.better, one.worse, one.p) == (other.worse, other.better, other.p)


def test_values_may_be_any_numbers():
    a = pd.Series({"x": -3.0, "y": -2.0, "z": -5.0})
    b = pd.Series({"x": -4.0, "y": -2.5, "z": -4.0})
    found = paired_difference(a, b, 100, 0)
    assert found.difference.mean == pytest.approx((1 + 0.5 - 1) / 3)
    assert (found.better, found.worse) == (2, 1)


@pytest.mark.parametrize(
    ("a", "b", "message"),
    [
        (answers([1, 0, 1]), answers([1, 0]), "1 items are not those of both models"),
        (pd.Series([1, 0], index=["x", "x"]), answers([1]), "the first model has 1 items twice"),
        (answers([1]), pd.Series([np.nan], index=["item-0"]), "the second model has 1 items without a value"),
        (answers([]), answers([]), "there are no items"),
    ],
)
def test_what_cannot_be_compared_is_refused(a: pd.Series, b: pd.Series, message: str):
    with pytest.raises(GrowmergeError, match=message):
        paired_difference(a, b, 10, 0)
