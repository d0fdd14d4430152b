"""Means over seeds and items: intervals that cover both, in tables of scores, contrasts and shares of the gap."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from test_gap import LANGUAGES, MEASURED, NO_REFERENCE, candidate, pairs, text

from growmerge.errors import GrowmergeError
from growmerge.study.grid import Model
from growmerge.tables.by_language import by_language, by_language_markdown
from growmerge.tables.contrasts import Contrast, compare
from growmerge.tables.gap import NO_GAP, gap
from growmerge.tables.seeds import Items, difference_over_seeds, mean_over_seeds, of_ratio, ratio_over_seeds
from growmerge.tables.statistics import mean_of_shares
from growmerge.tables.summary import of_first_seed, of_single_models, over_all_seeds, summarise

BY_SEED = {"1x/swe": {42: "1x/swe", 43: "1x#43/swe", 44: "1x#44/swe"}}


def model(name, **more):
    setup, _, target = name.partition("/")
    return Model(name, "model", (), 1, setup=setup, target=target, languages=("swe",), **more)


def of_scores(rng, seeds, items, of_seed, of_item, of_both):
    """Values of items with each seed, around 0, shape (seeds, items)."""
    shape = (seeds, items)
    return rng.normal(0, of_seed, (seeds, 1)) + rng.normal(0, of_item, (1, items)) + rng.normal(0, of_both, shape)


# --- the estimator ----------------------------------------------------------------------------------------------------


def test_an_interval_adds_the_variance_of_seeds_to_that_of_items():
    values = np.array([[1.0, 2.0, 3.0, 4.0], [2.0, 2.0, 4.0, 6.0], [3.0, 2.0, 5.0, 2.0]])
    by_seed, by_item = values.mean(axis=1), values.mean(axis=0)
    parts = np.array([by_seed.var(ddof=1) / 3, by_item.var(ddof=1) / 4])
    critical = parts @ stats.t.ppf(0.975, [2, 3]) / parts.sum()
    found = mean_over_seeds(by_seed, [Items([of_seed]) for of_seed in values])
    assert found.mean == pytest.approx(values.mean())
    assert found.high - found.mean == pytest.approx(critical * np.sqrt(parts.sum()))
    assert found.mean - found.low == pytest.approx(found.high - found.mean)


def test_without_variation_between_seeds_an_interval_is_that_of_one_seed_but_for_t():
    right = np.array([1.0] * 30 + [0.0] * 10)
    one, three = mean_of_shares([right]), mean_over_seeds([0.75] * 3, [Items([right], shares=True)] * 3)
    middle = (30 + 2) / (40 + 4)
    reach = stats.t.ppf(0.975, 39) * np.sqrt(middle * (1 - middle) / 44)
    assert three[:] == pytest.approx((0.75, middle - reach, middle + reach))
    assert three.high - three.low == pytest.approx(one.high - one.low, rel=0.05)


def test_an_interval_of_right_answers_has_a_width_at_its_ends_and_stays_between_0_and_1():
    found = mean_over_seeds([1.0] * 3, [Items([np.ones(40)], shares=True)] * 3)
    assert found.mean == found.high == 1.0 and 0.8 < found.low < 0.97


def test_one_stratum_more_is_averaged_with_equal_weight():
    strata = [np.array([1.0, 2.0, 3.0]), np.array([5.0, 7.0])]
    found = mean_over_seeds([4.0] * 2, [Items(strata)] * 2)
    variance = (strata[0].var(ddof=1) / 3 + strata[1].var(ddof=1) / 2) / 4
    assert found.high - 4.0 == pytest.approx(stats.t.ppf(0.975, 3) * np.sqrt(variance))


@pytest.mark.parametrize("spread", [(0.1, 0.3, 0.3), (0.02, 0.5, 0.2), (0.05, 0.4, 0.4)])
def test_intervals_cover_the_truth(spread):
    rng = np.random.default_rng(0)
    covered = 0
    for _ in range(600):
        values = of_scores(rng, 3, 100, *spread)
        found = mean_over_seeds(values.mean(axis=1), [Items([of_seed]) for of_seed in values])
        covered += found.low < 0 < found.high
    assert covered / 600 > 0.93  # three standard errors below 95 %


def test_p_is_below_5_percent_where_the_interval_leaves_out_0():
    rng = np.random.default_rng(1)
    for outcomes in (False, True):
        for shift in np.linspace(0, 0.4, 40):
            values = of_scores(rng, 3, 60, 0.05, 0.3, 0.3) + shift
            found = difference_over_seeds(np.sign(values.round()) if outcomes else values, outcomes=outcomes)
            assert (found.p < 0.05) == (not found.interval.low <= 0 <= found.interval.high)
            assert 0 <= found.p <= 1


def test_a_difference_has_the_interval_of_a_mean_over_seeds():
    values = of_scores(np.random.default_rng(3), 3, 30, 0.1, 0.3, 0.5)  # items differ from seed to seed
    mean = mean_over_seeds(values.mean(axis=1), [Items([of_seed]) for of_seed in values])
    assert difference_over_seeds(values).interval[:] == pytest.approx(mean[:])


def test_a_difference_of_shares_stays_between_minus_1_and_1():
    for sign in (-1, 1):
        found = difference_over_seeds(np.full((3, 30), sign), outcomes=True).interval
        ends = sorted([sign * found.low, sign * found.high])
        assert 0.8 < ends[0] < ends[1] == 1 == sign * found.mean


def test_equal_models_do_not_differ_and_unknown_ones_are_unknown():
    assert difference_over_seeds(np.zeros((3, 30))).p == 1.0
    equal = difference_over_seeds(np.zeros((3, 30)), outcomes=True)
    assert equal.p == 1.0 and equal.interval.low < 0 < equal.interval.high
    assert np.isnan(difference_over_seeds(np.full((3, 30), np.nan)).interval).all()
    assert np.isnan(mean_over_seeds([1.0, np.nan], [Items([np.ones(30)])] * 2)).all()


def test_a_ratio_of_sums_has_the_variance_of_its_bootstrap():
    rng = np.random.default_rng(2)
    below = rng.uniform(10, 200, 400)
    above = 2 * below * rng.uniform(0.8, 1.2, 400)
    drawn = rng.integers(400, size=(2000, 400))
    resampled = above[drawn].sum(axis=1) / below[drawn].sum(axis=1)
    items = of_ratio(above, below)
    assert items.mean() == pytest.approx(above.sum() / below.sum())
    assert np.corrcoef(items, above - items.mean() * below)[0, 1] == pytest.approx(1), "more above, a larger ratio"
    assert items.std(ddof=1) / 20 == pytest.approx(resampled.std(), rel=0.06)
    assert resampled.std() < 0.5 * (above / below.mean()).std() / 20, "long documents do not vary more"


def test_a_share_of_a_gap_varies_with_the_seed_as_won_and_whole_do():
    won, whole = np.array([0.4, 0.5, 0.6]), np.array([1.0, 1.0, 1.0])
    found = ratio_over_seeds(won, whole, np.full(50, 0.5), 100)
    assert found[:] == pytest.approx(
        (0.5, *(0.5 + sign * stats.t.ppf(0.975, 2) * 0.1 / np.sqrt(3) for sign in (-1, 1)))
    )
    alike = ratio_over_seeds(np.array([0.4, 0.5, 0.6]), np.array([0.8, 1.0, 1.2]), np.full(50, 0.5), 100)
    assert alike.high - alike.low == pytest.approx(0, abs=1e-12), "a seed with a larger gap wins back the same share"


def test_a_share_of_a_gap_is_that_of_the_means_with_the_spread_of_its_linear_approximation():
    won, whole = np.array([0.2, 0.6, 0.7]), np.array([0.5, 2.0, 0.5])
    found = ratio_over_seeds(won, whole, np.full(50, 0.5), 100)
    spread = np.std((won - 0.5 * whole) / 1.0, ddof=1) / np.sqrt(3)
    assert found[:] == pytest.approx((0.5, *(0.5 + sign * stats.t.ppf(0.975, 2) * spread for sign in (-1, 1))))
    resampled = np.array([0.3, 0.5, 0.7])
    items = ratio_over_seeds(np.full(2, 0.5), np.ones(2), resampled, 21)
    assert items.high == pytest.approx(0.5 + stats.t.ppf(0.975, 20) * resampled.std(ddof=1))


# --- tables -----------------------------------------------------------------------------------------------------------


def scores_of(*right):
    return dict(zip(BY_SEED["1x/swe"].values(), map(pairs, right), strict=True))


def table(scores, models=None, replicates=BY_SEED):
    models = models or [model(name) for name in scores]
    return summarise(scores, models, NO_REFERENCE, 200, 1, measured=MEASURED, replicates=replicates)


def test_a_table_has_every_seed_and_the_mean_over_them():
    found = table(scores_of(30, 36, 42)).query("language == 'swe' and subset == 'all'")
    assert list(found["seed"]) == ["all", "42", "43", "44"] and list(found["seeds"]) == [3, 1, 1, 1]
    assert found["value"].tolist() == pytest.approx([0.6, 0.5, 0.6, 0.7])
    mean, first = found.iloc[0], found.iloc[1]
    assert (mean["id"], mean["n"], mean["chance"]) == ("1x/swe", 60, 0.5)
    assert mean["high"] - mean["low"] > first["high"] - first["low"], "seeds differ by more than items"
    alone = table(scores_of(30, 36, 42), replicates=None)
    assert list(alone.columns) == list(found.columns)[:-2]
    assert alone.query("id == '1x/swe'")["low"].iloc[0] == first["low"]


def test_what_is_made_once_stands_beside_means_over_seeds():
    scores = scores_of(30, 36, 42) | {"external/x": pairs(50), "1x/isl": pairs(20)}
    found = table(scores)
    assert set(over_all_seeds(found)["id"]) == {"1x/swe", "external/x", "1x/isl"}
    assert set(of_first_seed(found)["id"]) == {"1x/swe", "external/x", "1x/isl"}
    assert of_first_seed(found).query("id == '1x/swe'")["value"].tolist() == [0.5, 0.5]
    assert (
        set(of_single_models(found)["id"]) == scores.keys()
        and not of_single_models(found).duplicated(["id", "language"]).any()
    )


def test_a_mean_is_over_the_seeds_that_have_scores():
    scores = scores_of(30, 36, 42)
    del scores["1x#43/swe"]
    models = [model(name) for name in BY_SEED["1x/swe"].values()]
    found = over_all_seeds(table(scores, models)).query("language == 'swe'").iloc[0]
    assert (found["value"], found["seeds"]) == (pytest.approx(0.6), 2)
    one = over_all_seeds(table({"1x/swe": pairs(30)}, models)).query("language == 'swe'").iloc[0]
    assert (one["value"], one["seeds"]) == (0.5, 1) and one["low"] < 0.5 < one["high"]


def test_replicates_on_other_items_are_refused():
    scores = scores_of(30, 36, 42)
    scores["1x#43/swe"] = scores["1x#43/swe"].assign(item=lambda frame: frame["item"] + "x")
    with pytest.raises(GrowmergeError, match="1x#43/swe: was scored on other items than 1x/swe"):
        table(scores)


def test_what_a_replicate_has_not_written_has_no_mean():
    counts = [[6, 6, 6] * 8, [9, 7, 5] * 8]  # n-grams of the hypothesis, of the reference, and common ones, of 8 orders
    written = pd.DataFrame({"benchmark": "written", "language": "swe", "item": ["a", "b"], "counts": counts})
    scores = scores_of(30, 36, 42)
    how = {"measured": MEASURED, "replicates": BY_SEED, "translations": {"1x/swe": written, "1x#44/swe": written}}
    found = over_all_seeds(summarise(scores, [model(name) for name in scores], NO_REFERENCE, 200, 1, **how))
    values = found[found["subset"] == "all"].set_index(["measure", "language"])["value"]
    assert np.isnan(values["written", "swe"]) and values["acceptability", "swe"] == pytest.approx(0.6)


def test_a_mean_over_benchmarks_has_an_interval_if_each_has_enough_items():
    for documents, known in ((10, False), (20, True)):
        scores = {
            name: pd.concat([text(nats), text(nats, documents).assign(benchmark="more")])
            for name, nats in zip(BY_SEED["1x/swe"].values(), (2.0, 2.2, 2.4), strict=True)
        }
        how = {"measured": MEASURED | {"more": ("bits_per_byte", "sum")}, "replicates": BY_SEED}
        found = summarise(scores, [model(name) for name in scores], NO_REFERENCE, 200, 1, **how)
        assert np.isfinite(found.query("subset == 'all'")["low"].iloc[0]) == known


def test_bits_per_byte_over_seeds_is_the_mean_of_the_seeds():
    scores = dict(zip(BY_SEED["1x/swe"].values(), [text(nats) for nats in (2.0, 2.2, 2.4)], strict=True))
    found = table(scores).query("language == 'swe'")
    assert found["value"].iloc[0] == pytest.approx(found["value"].iloc[1:].mean())
    assert found["low"].iloc[0] < found["value"].iloc[1:].min(), "three seeds that differ tell little"


def test_tables_for_people_say_what_intervals_are_over():
    found = by_language(over_all_seeds(table(scores_of(30, 36, 42))), ["swe"], ["1x"], [])
    assert set(found["how"]) == {"seeds and items"}
    assert "over seeds and items together" in by_language_markdown(found)
    assert "training runs" not in by_language_markdown(found)


def contrasts_of(ours, theirs, replicates):
    scores = {name: frame for frames in (ours, theirs) for name, frame in frames.items()}
    wanted = [Contrast("expert", "1x/swe", "2x/swe", ("swe",))]
    return compare(scores, wanted, NO_REFERENCE, 200, 1, MEASURED, replicates).iloc[0]


def test_contrasts_are_paired_by_seed():
    other = {"2x/swe": {seed: name.replace("1x", "2x") for seed, name in BY_SEED["1x/swe"].items()}}
    theirs = dict(zip(other["2x/swe"].values(), map(pairs, (20, 30, 41)), strict=True))
    found = contrasts_of(scores_of(26, 36, 47), theirs, BY_SEED | other)
    assert (found["difference"], found["seeds"], found["n"]) == (pytest.approx(0.1), 3, 60)
    assert found["better"] == 18 and found["worse"] == 0  # on some seed: items 20 to 25, 30 to 35 and 41 to 46
    shuffled = dict(zip(other["2x/swe"].values(), map(pairs, (41, 20, 30)), strict=True))
    unpaired = contrasts_of(scores_of(26, 36, 47), shuffled, BY_SEED | other)
    assert unpaired["difference"] == pytest.approx(0.1)
    assert unpaired["high"] - unpaired["low"] > 2 * (found["high"] - found["low"]), "seeds go up and down together"


def test_a_contrast_is_over_the_seeds_that_both_models_have():
    other = {"2x/swe": {42: "2x/swe", 44: "2x#44/swe"}}
    found = contrasts_of(scores_of(30, 60, 42), {"2x/swe": pairs(24), "2x#44/swe": pairs(36)}, BY_SEED | other)
    assert (found["difference"], found["seeds"]) == (pytest.approx(0.1), 2)


def test_a_model_that_is_made_once_is_compared_with_every_replicate():
    found = contrasts_of(scores_of(30, 36, 42), {"2x/swe": pairs(30)}, BY_SEED)
    assert (found["difference"], found["seeds"]) == (pytest.approx(0.1), 3)


def test_a_contrast_of_one_seed_is_as_without_replicates():
    scores = {"1x/swe": pairs(30)}, {"2x/swe": pairs(36)}
    alone, one = contrasts_of(*scores, None), contrasts_of(*scores, {"3x/swe": {42: "3x/swe", 43: "3x#43/swe"}})
    assert one["seeds"] == 1 and "seeds" not in alone
    assert one.drop("seeds").equals(alone)


def seeds_of(*names):
    return {name: {seed: f"{name}#{seed}" if seed > 42 else name for seed in (42, 43, 44)} for name in names}


def gap_of(ours, base, mixed):
    """The share of the gap in text; of three seeds, those that have numbers; the base is made once."""
    by_seed = seeds_of("m", "multi")
    scores = {"base": text(base)}
    for name, values in (("m", ours), ("multi", mixed)):
        scores |= dict(zip(by_seed[name].values(), map(text, values), strict=False))
    found = gap(scores, [candidate()], NO_REFERENCE, 300, 7, MEASURED, by_seed)
    return found.set_index("measure").loc["bits_per_byte"]


def mean_gap_of(one, other):
    """Of two merges of two languages: the row of their mean, and the row of a merge that is always half-way."""
    by_seed = seeds_of("a", "b", "middle", "multi")
    scores = {"base": text(3.0)}
    for name, values in (("a", one), ("b", other), ("middle", (2.0,) * 3), ("multi", (1.0,) * 3)):
        scores |= dict(zip(by_seed[name].values(), map(text, values), strict=False))
    chosen = [candidate("a"), candidate("b"), candidate("middle", method="ties")]
    found = gap(scores, chosen, NO_REFERENCE, 300, 7, MEASURED, by_seed).set_index("kind")
    assert list(found.index) == ["merge"] * 3 + ["mean"], "one merge by TIES is no group"
    return found.loc["mean"], found[found["id"] == "middle"].iloc[0]


def test_the_mean_over_merges_has_an_interval_over_seeds():
    mean, middle = mean_gap_of((2.2, 2.4, 2.6), (1.8, 1.6, 1.4))
    assert (mean["id"], mean["target"], mean["method"], mean["members"]) == ("", "", "linear", 2)
    columns = ["share", "low", "high", "n", "seeds"]
    assert mean[columns].tolist() == pytest.approx(middle[columns].tolist()), "with each seed, both are half-way"
    apart, _ = mean_gap_of((2.0, 2.2, 2.4), (1.6, 1.8, 2.0))
    assert apart["share"] == pytest.approx(0.5)
    assert apart["high"] - apart["low"] > 3 * (mean["high"] - mean["low"]), "seeds go up and down together"


def test_the_mean_over_merges_is_over_the_seeds_that_all_have():
    mean, _ = mean_gap_of((2.2, 2.4), (1.8, 1.6, 1.4))
    assert (mean["share"], mean["seeds"]) == (pytest.approx(0.5), 2)
    none, _ = mean_gap_of((2.2,), (1.8, 1.6, 1.4))
    assert np.isnan(none["share"]) and none["reason"] == "no two seeds with which all merges have scores"


def test_a_share_of_the_gap_is_that_of_means_over_seeds():
    found = gap_of((2.4, 2.5, 2.6), 3.0, (1.0, 1.0, 1.0))
    assert (found["share"], found["seeds"]) == (pytest.approx(0.25), 3)
    wide, narrow = found["high"] - found["low"], (same := gap_of((2.5,) * 3, 3.0, (1.0,) * 3))["high"] - same["low"]
    assert same["share"] == pytest.approx(0.25) and wide > 3 * narrow


def test_a_share_of_the_gap_is_over_the_seeds_that_have_scores():
    found = gap_of((2.4, 2.6), 3.0, (1.0, 1.0))
    assert (found["share"], found["seeds"]) == (pytest.approx(0.25), 2)
    one = gap_of((2.4,), 3.0, (1.0,))
    assert (one["share"], one["seeds"]) == (pytest.approx(0.3), 1)
    assert found["high"] - found["low"] > 3 * (one["high"] - one["low"]), "that of one seed is over items"


def test_there_is_no_gap_if_seeds_do_not_agree_on_it():
    found = gap_of((2.5,) * 3, 3.0, (2.8, 3.3, 2.2))
    assert np.isnan(found["share"]) and found["reason"] == NO_GAP
    assert LANGUAGES == ("isl", "swe") and isinstance(found, pd.Series)
