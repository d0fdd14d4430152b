"""Means, bootstrap intervals and the coefficient of variation."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from growmerge.tables.statistics import (
    Interval,
    bootstrap_mean,
    bootstrap_mean_of_means,
    bootstrap_mean_of_ratios_of_sums,
    holm,
    mean_and_cv,
    mean_of_independent,
    mean_of_shares,
    of_enough,
    wilson,
)

values_of = arrays(np.float64, st.integers(2, 40), elements=st.floats(-1e6, 1e6))
outcomes_of = arrays(np.float64, st.integers(2, 40), elements=st.sampled_from([0.0, 1.0]))


@pytest.mark.parametrize("n", [20, 400])
@pytest.mark.parametrize("kind", ["ratios", "right or wrong"])
def test_interval_agrees_with_scipy(kind: str, n: int) -> None:
    rng = np.random.default_rng(3)
    values = rng.lognormal(size=n) if kind == "ratios" else (rng.random(n) < 0.7).astype(float)
    ours = bootstrap_mean(values, 20_000, seed=1)
    theirs = stats.bootstrap(
        (values,), np.mean, n_resamples=20_000, method="percentile", rng=np.random.default_rng(2), vectorized=True
    ).confidence_interval
    width = theirs.high - theirs.low
    assert ours.mean == pytest.approx(values.mean())
    # Both are Monte-Carlo estimates, and means of outcomes lie on a grid of 1 / n.
    assert ours.low == pytest.approx(theirs.low, abs=0.03 * width + 1 / n * (kind != "ratios"))
    assert ours.high == pytest.approx(theirs.high, abs=0.03 * width + 1 / n * (kind != "ratios"))


@pytest.mark.parametrize("counts", [{0.0: 20, 1.0: 30}, {-1.0: 9, 0.0: 29, 1.0: 12}])
def test_resampling_by_counts_has_the_distribution_of_drawing_items(counts: dict[float, int]) -> None:
    values = np.repeat(list(counts), list(counts.values()))
    # Distinct values that are too close to others to matter take the way that draws items.
    drawn = values.copy()
    drawn[-1] -= 1e-9
    drawn[0] += 1e-9
    short, long = bootstrap_mean(values, 50_000, seed=0), bootstrap_mean(drawn, 50_000, seed=0)
    assert (short.low, short.high) == pytest.approx((long.low, long.high), abs=0.0201)
    error = values.std() / np.sqrt(values.size)
    assert (short.low, short.high) == pytest.approx((short.mean - 1.96 * error, short.mean + 1.96 * error), abs=0.0201)


@given(values=st.one_of(values_of, outcomes_of), seed=st.integers(0, 2**32))
def test_interval_lies_within_the_values_and_repeats(values: np.ndarray, seed: int) -> None:
    first = bootstrap_mean(values, 200, seed)
    slack = 1e-9 * max(1.0, np.abs(values).max())
    assert first == bootstrap_mean(values.copy(), 200, seed)
    assert values.min() - slack <= first.low <= first.high <= values.max() + slack
    assert first.mean == pytest.approx(values.mean())


# Whole numbers: adding a fraction can make two values equal, and so change what is resampled.
@given(values=arrays(np.float64, st.integers(2, 40), elements=st.integers(-99, 99)), shift=st.integers(-99, 99))
@settings(max_examples=50)
def test_interval_moves_with_the_values(values: np.ndarray, shift: int) -> None:
    plain, moved = bootstrap_mean(values, 50, 0), bootstrap_mean(values + shift, 50, 0)
    assert moved == pytest.approx(tuple(bound + shift for bound in plain))


def test_another_seed_gives_another_interval() -> None:
    values = np.random.default_rng(0).normal(size=30)
    assert bootstrap_mean(values, 100, 0) != bootstrap_mean(values, 100, 1)


@pytest.mark.parametrize("values", [[], [np.nan], [1.0, np.nan, 0.0]])
def test_nothing_and_nan_give_nan(values: list[float]) -> None:
    assert np.isnan(bootstrap_mean(np.array(values), 100, 0)).all()


def test_one_value_has_no_interval_and_equal_values_a_narrow_one() -> None:
    mean, low, high = bootstrap_mean(np.array([0.4]), 100, 0)
    assert mean == 0.4
    assert np.isnan([low, high]).all()
    assert bootstrap_mean(np.full(5, 0.4), 100, 0) == pytest.approx((0.4, 0.4, 0.4))


def test_strata_count_alike_whatever_their_sizes() -> None:
    many, few = np.ones(1000), np.array([0.0, 0.0, 1.0, 0.0])
    mean, low, high = bootstrap_mean_of_means([many, few], 4000, 0)
    assert mean == pytest.approx((1.0 + 0.25) / 2)
    # All the spread comes from the four: Binomial(4, 1/4) / 4, halved and moved by a half.
    quantiles = stats.binom(4, 0.25).ppf([0.025, 0.975]) / 4
    assert (low, high) == pytest.approx(tuple(0.5 + quantiles / 2))


def test_strata_are_resampled_apart() -> None:
    strata = [np.random.default_rng(i).normal(i * 100, 1, 50) for i in range(2)]
    _, low, high = bootstrap_mean_of_means(strata, 1000, 0)
    # Resampling the hundred together would give an interval of some twenty.
    assert high - low < 1


@pytest.mark.parametrize("strata", [[], [np.ones(3), np.array([])], [np.ones(3), np.array([np.nan])]])
def test_an_unknown_stratum_makes_the_mean_unknown(strata: list[np.ndarray]) -> None:
    assert np.isnan(bootstrap_mean_of_means(strata, 10, 0)).all()


def ratio_of_sums(above: np.ndarray, below: np.ndarray, resamples: int, seed: int) -> Interval:
    """That of a single stratum."""
    return bootstrap_mean_of_ratios_of_sums([(above, below)], resamples, seed)


def test_the_mean_of_ratios_of_sums_weighs_strata_alike_and_resamples_each_within_itself() -> None:
    one, two = (np.array([1.0, 2.0]), np.array([2.0, 2.0])), (np.full(9, 1.0), np.full(9, 4.0))
    mean, low, high = bootstrap_mean_of_ratios_of_sums([one, two], 500, 0)
    assert mean == pytest.approx((3 / 4 + 1 / 4) / 2)
    # The first ratio is between 1/2 and 1, the second always 1/4.
    assert (low, high) == pytest.approx(((1 / 2 + 1 / 4) / 2, (1 + 1 / 4) / 2))
    assert bootstrap_mean_of_ratios_of_sums([one, one], 50, 0).mean == ratio_of_sums(*one, 50, 0).mean
    assert np.isnan(bootstrap_mean_of_ratios_of_sums([one, (np.array([]), np.array([]))], 50, 0)).all()
    assert np.isnan(bootstrap_mean_of_ratios_of_sums([], 50, 0)).all()
    assert np.isnan(bootstrap_mean_of_ratios_of_sums([one, (np.ones(1), np.ones(1))], 50, 0)).tolist() == [0, 1, 1]


def test_ratio_of_sums_agrees_with_scipy() -> None:
    rng = np.random.default_rng(3)
    below = rng.lognormal(size=200)
    above = below * rng.uniform(0.5, 1.0, size=200)

    def ratio(a: np.ndarray, b: np.ndarray, axis: int) -> np.ndarray:
        return a.sum(axis=axis) / b.sum(axis=axis)

    ours = ratio_of_sums(above, below, 20_000, seed=1)
    theirs = stats.bootstrap(
        (above, below), ratio, n_resamples=20_000, method="percentile", paired=True, rng=np.random.default_rng(2)
    ).confidence_interval
    assert ours.mean == pytest.approx(above.sum() / below.sum())
    width = theirs.high - theirs.low
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=0.03 * width)
    # Numerators and denominators of one item belong together: torn apart, the interval would be several times as wide.
    torn = stats.bootstrap((above, below), ratio, n_resamples=2000, method="percentile", rng=rng).confidence_interval
    assert torn.high - torn.low > 3 * width


@given(below=arrays(np.float64, st.integers(2, 40), elements=st.floats(0.1, 1e3)), factor=st.floats(0.1, 10))
@settings(max_examples=50)
def test_equal_ratios_have_a_narrow_interval(below: np.ndarray, factor: float) -> None:
    assert ratio_of_sums(factor * below, below, 50, 0) == pytest.approx((factor, factor, factor))


def test_ratio_of_sums_is_unknown_without_items_or_with_nan_and_has_no_interval_for_one() -> None:
    nothing, unknown = np.array([]), np.array([1.0, np.nan])
    assert np.isnan(ratio_of_sums(nothing, nothing, 10, 0)).all()
    assert np.isnan(ratio_of_sums(unknown, np.ones(2), 10, 0)).all()
    assert np.isnan(ratio_of_sums(np.ones(2), unknown, 10, 0)).all()
    ratio, low, high = ratio_of_sums(np.array([3.0]), np.array([4.0]), 10, 0)
    assert ratio == 0.75
    assert np.isnan([low, high]).all()
    with pytest.raises(ValueError, match="2 numerators and 1 denominators"):
        ratio_of_sums(np.ones(2), np.ones(1), 10, 0)
    with pytest.raises(ValueError, match="resamples must be at least 1"):
        ratio_of_sums(np.ones(2), np.ones(2), 0, 0)


def test_no_resample_is_refused() -> None:
    with pytest.raises(ValueError, match="resamples must be at least 1"):
        bootstrap_mean(np.ones(3), 0, 0)


def test_blocks_of_draws_do_not_lose_resamples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("growmerge.tables.statistics.DRAWS_PER_BLOCK", 64)
    values = np.arange(1, 31, dtype=float)
    _, low, high = bootstrap_mean(values, 2001, 0)  # 2 rows a block, one left over
    theory = stats.norm(values.mean(), values.std() / np.sqrt(30))
    assert (low, high) == pytest.approx(tuple(theory.ppf([0.025, 0.975])), abs=0.6)


def test_a_study_is_summarised_in_seconds() -> None:
    rng = np.random.default_rng(0)
    ratios, outcomes = rng.random(100), (rng.random(100) < 0.6).astype(float)
    start = time.process_time()
    for cell in range(150):
        bootstrap_mean(ratios if cell % 3 else outcomes, 1000, 0)
    assert (time.process_time() - start) * 4000 / 150 < 20  # measured: 3 s for 4000 cells


def test_mean_and_cv_by_hand() -> None:
    assert mean_and_cv(np.array([2.0, 4.0, 6.0])) == pytest.approx((4.0, 50.0))  # sd 2 with ddof = 1
    assert mean_and_cv([2, 4, 6]) == pytest.approx((4.0, 50.0))


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03, 0.5]) == pytest.approx([0.04, 0.09, 0.09, 0.5])
    assert holm([0.6, 0.5]) == pytest.approx([1.0, 1.0])
    assert holm([np.nan, 0.02, 0.03]) == pytest.approx([np.nan, 0.04, 0.04], nan_ok=True)
    assert holm([]).size == 0


@given(p=st.lists(st.floats(0, 1), min_size=1, max_size=9), level=st.floats(0.001, 0.999))
def test_holm_rejects_step_by_step(p: list[float], level: float) -> None:
    rejected = set()
    for rank, index in enumerate(sorted(range(len(p)), key=p.__getitem__)):
        if p[index] * (len(p) - rank) > level:
            break
        rejected.add(index)
    assert set(np.flatnonzero(holm(p) <= level)) == rejected


@given(values=arrays(np.float64, st.integers(2, 20), elements=st.floats(0.1, 100)))
def test_cv_agrees_with_scipy(values: np.ndarray) -> None:
    assert mean_and_cv(values)[1] == pytest.approx(100 * stats.variation(values, ddof=1), abs=1e-9)


@pytest.mark.parametrize(("values", "mean"), [([], np.nan), ([3.0], 3.0), ([-1.0, 1.0], 0.0), ([1.0, np.nan], np.nan)])
def test_cv_is_nan_where_it_has_no_meaning(values: list[float], mean: float) -> None:
    got = mean_and_cv(np.array(values))
    assert np.isnan(got[1])
    assert got[0] == pytest.approx(mean, nan_ok=True)


# --- shares -----------------------------------------------------------------------------------------------------------


@given(n=st.integers(1, 2000), data=st.data())
def test_wilsons_interval_agrees_with_scipy(n: int, data: st.DataObject) -> None:
    right = data.draw(st.integers(0, n))
    theirs = stats.binomtest(right, n).proportion_ci(method="wilson")
    ours = wilson(right / n, n)
    assert ours == pytest.approx((right / n, theirs.low, theirs.high), abs=1e-12)
    assert 0 <= ours.low <= ours.mean <= ours.high <= 1


def test_all_right_is_not_certainty() -> None:
    assert mean_of_shares([np.ones(80)]) == pytest.approx((1.0, 80 / (80 + 1.959964**2), 1.0))
    assert bootstrap_mean(np.ones(80), 100, 0) == (1.0, 1.0, 1.0)  # why it is not a bootstrap


def share_coverage(shares: list[float], sizes: list[int], draws: int = 20_000) -> float:
    """How often the interval of `mean_of_shares` has the true mean in it; each different outcome is computed once."""
    rng = np.random.default_rng(0)
    counts = np.stack([rng.binomial(n, p, draws) for p, n in zip(shares, sizes, strict=True)], axis=1)
    seen, times = np.unique(counts, axis=0, return_counts=True)
    truth = np.mean(shares)
    covered = 0
    for row, often in zip(seen, times, strict=True):
        found = mean_of_shares([np.repeat([1.0, 0.0], [k, n - k]) for k, n in zip(row, sizes, strict=True)])
        covered += often * (found.low <= truth <= found.high)
    return covered / draws


@pytest.mark.parametrize(("share", "n"), [(0.987, 232), (0.95, 20), (0.5, 20), (0.99, 1000), (0.75, 100)])
def test_the_interval_of_a_share_covers_it(share: float, n: int) -> None:
    assert 0.92 <= share_coverage([share], [n]) <= 0.985


@pytest.mark.parametrize(
    ("shares", "sizes"),
    [([0.987, 0.9], [232, 50]), ([0.99, 0.5, 0.8], [20, 20, 20]), ([0.98] * 10, [10] * 10), ([0.7] * 67, [30] * 67)],
)
def test_the_interval_of_a_mean_of_shares_covers_it(shares: list[float], sizes: list[int]) -> None:
    assert 0.93 <= share_coverage(shares, sizes, 4000) <= 0.98


@pytest.mark.parametrize(("share", "n", "languages"), [(0.99, 232, 9), (0.7, 100, 4), (0.99, 232, 3), (0.98, 20, 10)])
def test_the_interval_of_a_mean_over_languages_covers_it(share: float, n: int, languages: int) -> None:
    counts = np.random.default_rng(0).binomial(n, share, (4000, languages))
    of_count = [wilson(right / n, n) for right in range(n + 1)]
    found = [mean_of_independent([of_count[right] for right in row]) for row in counts]
    covered = np.mean([low <= share <= high for _, low, high in found])
    assert covered >= 0.93
    assert max(high for _, _, high in found) <= 1


def test_the_interval_of_a_mean_of_shares_by_hand() -> None:
    # 10 of 20 and 20 of 20, one success and one failure more in each: 11 / 22 and 21 / 22.
    middle, error = (11 / 22 + 21 / 22) / 2, np.sqrt((11 / 22 * 11 / 22 + 21 / 22 * 1 / 22) / 22) / 2
    found = mean_of_shares([np.repeat([1.0, 0.0], 10), np.ones(20)])
    assert found == pytest.approx((0.75, middle - 1.959964 * error, middle + 1.959964 * error))
    assert mean_of_shares([np.ones(80), np.ones(40)]).high == 1.0


def test_percentiles_of_resamples_cover_a_share_near_one_too_seldom() -> None:
    rng = np.random.default_rng(0)
    counts, times = np.unique(rng.binomial(232, 0.987, 4000), return_counts=True)
    found = [bootstrap_mean(np.repeat([1.0, 0.0], [k, 232 - k]), 1000, 0) for k in counts]
    covered = sum(t * (f.low <= 0.987 <= f.high) for t, f in zip(times, found, strict=True)) / 4000
    assert covered < 0.9  # 80 to 84 %, by the draws


def test_shares_that_are_not_known_have_no_mean() -> None:
    for strata in ([], [np.ones(3), np.array([])], [np.ones(3), np.array([np.nan, 1.0])]):
        assert np.isnan(mean_of_shares(strata)).all()
    assert np.isnan(wilson(0.0, 0)).all()


def test_of_few_only_the_mean_is_kept() -> None:
    whole = Interval(0.5, 0.3, 0.7)
    assert of_enough(whole, 20) == whole
    mean, low, high = of_enough(whole, 19)
    assert mean == 0.5
    assert np.isnan([low, high]).all()
    both = mean_of_independent([whole, of_enough(whole, 19)])
    assert both.mean == 0.5
    assert np.isnan(both[1:]).all(), "of an unknown interval nothing is known of the mean's"
