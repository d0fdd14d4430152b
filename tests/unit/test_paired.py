"""Two models on the same items: the difference, and how sure it is."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from growmerge.tables.paired import paired_difference, paired_outcomes


def test_the_difference_is_that_of_the_accuracies_and_its_interval_that_of_items_drawn_together():
    rng = np.random.default_rng(1)
    hard = rng.random(400)
    a, b = (np.asarray(hard < ability, dtype=np.int8) for ability in (0.8, 0.7))  # b is right only where a is
    found = paired_difference(a - b, 1000, 0)
    assert found.difference.mean == pytest.approx(a.mean() - b.mean())
    assert found.worse == 0
    assert found.n == 400
    # Of differences that are 0 or 1 the standard error is a binomial's; accuracies drawn apart would have twice that.
    p = found.difference.mean
    error = np.sqrt(p * (1 - p) / 400)
    assert found.difference.low == pytest.approx(p - 1.96 * error, abs=0.01)
    assert found.difference.high == pytest.approx(p + 1.96 * error, abs=0.01)


@settings(max_examples=50)
@given(st.integers(0, 300), st.integers(0, 300), st.integers(0, 20))
def test_its_p_value_is_the_exact_binomial_one(better: int, worse: int, same: int):
    differences = np.repeat([1.0, -1.0, 0.0], [better, worse, same])
    expected = stats.binomtest(better, better + worse).pvalue if better + worse else 1.0
    assert paired_difference(differences, 10, 0).p == pytest.approx(expected)


def test_thousands_of_items_are_no_trouble():
    assert paired_difference(np.ones(9000), 10, 0).p == 0.0
    assert paired_difference(np.tile([1.0, -1.0], 9000), 10, 0).p == 1.0


def test_exchanged_models_give_the_opposite():
    differences = np.array([1.0, 0.0, 1.0, 0.0, 0.0, -1.0])
    one, other = paired_difference(differences, 500, 7), paired_difference(-differences, 500, 7)
    assert one.difference.mean == -other.difference.mean
    assert (one.better, one.worse, one.p) == (other.worse, other.better, other.p)


def test_values_may_be_any_numbers():
    found = paired_difference(np.array([1.0, 0.5, -1.0]), 100, 0)
    assert found.difference.mean == pytest.approx((1 + 0.5 - 1) / 3)
    assert (found.better, found.worse) == (2, 1)


def test_few_items_have_no_interval_and_unknown_ones_no_difference():
    found = paired_difference(np.linspace(0, 1, 19), 100, 0)
    assert found.difference.mean == pytest.approx(0.5)
    assert np.isnan(found.difference[1:]).all()
    assert not np.isnan(paired_difference(np.linspace(0, 1, 20), 100, 0).difference).any()
    assert np.isnan(paired_outcomes(np.array([1.0, np.nan] * 20)).difference).all()
    assert np.isnan(paired_outcomes(np.array([])).difference).all()


def test_outcomes_have_bonett_and_prices_interval():
    # 10 better and 2 worse of 50: 11/52 - 3/52, and sqrt((14/52 - (8/52)^2) / 52).
    found = paired_outcomes(np.repeat([1, -1, 0], [10, 2, 38]).astype(np.int8))
    reach = 1.959964 * np.sqrt((14 / 52 - (8 / 52) ** 2) / 52)
    assert found.difference == pytest.approx((8 / 50, 8 / 52 - reach, 8 / 52 + reach))
    alike = paired_outcomes(np.zeros(80)).difference
    assert alike.mean == 0.0
    assert alike.low == -alike.high < -0.02, "equal answers to 80 items are no proof of equality"
    assert paired_outcomes(np.ones(80)).difference.high == 1.0


@pytest.mark.parametrize(
    ("better", "worse", "n"), [(0.02, 0.01, 232), (0.1, 0.1, 60), (0.005, 0.005, 400), (0.3, 0.1, 20)]
)
def test_the_interval_of_outcomes_covers_the_true_difference(better: float, worse: float, n: int):
    counts = np.random.default_rng(0).multinomial(n, [better, worse, 1 - better - worse], size=4000)
    found = [paired_outcomes(np.repeat([1.0, -1.0, 0.0], row)).difference for row in counts]
    covered = np.mean([low <= better - worse <= high for _, low, high in found])
    assert 0.94 <= covered <= 1.0
