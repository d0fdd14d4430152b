"""What merging costs, and its correlation with similarity: against numbers worked out by hand and by scipy."""

from itertools import combinations, permutations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from growmerge.tables.correlation import RELABELLINGS, correlate
from growmerge.tables.drops import CORRELATION_COLUMNS, correlations, drops, similarity_and_drop
from growmerge.tables.statistics import holm

LANGUAGES = ("swe", "isl", "fas", "ekk")
RNG = np.random.default_rng(2)


def made_up_pairs(setups=("2x",), languages=LANGUAGES, noise=0.5, seed=0) -> pd.DataFrame:
    """A point for every pair of languages in every setup: y goes with x."""
    rng = np.random.default_rng(seed)
    rows = []
    for setup in setups:
        for first, second in combinations(sorted(languages), 2):
            x = rng.standard_normal()
            rows.append((setup, first, second, x, x + noise * rng.standard_normal()))
    return pd.DataFrame(rows, columns=["setup", "first", "second", "x", "y"])


# --- correlation ----------------------------------------------------------------------------------------------------


def test_coefficients_and_p_values_are_scipys() -> None:
    pairs = made_up_pairs(("1x", "2x"))
    for coefficient, test in (("pearson", stats.pearsonr), ("spearman", stats.spearmanr)):
        found, expected = correlate(pairs, coefficient, 200, 1), test(pairs["x"], pairs["y"])
        assert (found.value, found.p) == pytest.approx((expected.statistic, expected.pvalue))
        assert found.n == 12
        assert found.low < found.value < found.high <= 1


def test_coefficients_of_a_small_example_by_hand() -> None:
    # r = cov / (sd sd) with deviations (-1.5, -0.5, 0.5, 1.5) and (-1, -2, 1, 2): 6 / sqrt(5 * 10)
    points = made_up_pairs().iloc[:4].assign(x=[1.0, 2, 3, 4], y=[2.0, 1, 4, 5])
    assert correlate(points, "pearson", 10, 0).value == pytest.approx(6 / np.sqrt(50))
    # ranks (1, 2, 3, 4) and (2, 1, 3, 4): 1 - 6 * 2 / (4 * 15)
    assert correlate(points, "spearman", 10, 0).value == pytest.approx(0.8)


def test_the_permutation_test_relabels_languages_not_pairs() -> None:
    pairs = made_up_pairs(("1x", "2x"), noise=1.0, seed=3)
    table = {(row.setup, frozenset((row.first, row.second))): row.x for row in pairs.itertuples()}
    languages = sorted(LANGUAGES)
    observed = abs(np.corrcoef(pairs["x"], pairs["y"])[0, 1])
    far = 0
    for labels in permutations(languages):
        called = dict(zip(languages, labels, strict=True))
        x = [table[row.setup, frozenset((called[row.first], called[row.second]))] for row in pairs.itertuples()]
        far += abs(np.corrcoef(x, pairs["y"])[0, 1]) >= observed - 1e-12
    assert correlate(pairs, "pearson", 10, 0).p_permuted == pytest.approx(far / 24)


def test_many_languages_are_relabelled_at_random_with_the_given_order_among_them() -> None:
    languages = [f"l{i:02}" for i in range(10)]
    related = correlate(made_up_pairs(languages=languages, noise=0.1), "pearson", 10, 0)
    assert related.p_permuted == pytest.approx(1 / RELABELLINGS)
    unrelated = correlate(made_up_pairs(languages=languages, noise=1e6), "spearman", 10, 0)
    assert unrelated.p_permuted == pytest.approx(unrelated.p, abs=0.1)


def test_intervals_are_repeatable_and_shrink_with_more_languages() -> None:
    few, many = made_up_pairs(), made_up_pairs(languages=[f"l{i:02}" for i in range(10)])
    assert correlate(few, "spearman", 500, 4) == correlate(few, "spearman", 500, 4)
    (a, b), (c, d) = ((found.low, found.high) for found in (correlate(x, "pearson", 500, 4) for x in (few, many)))
    assert d - c < b - a


@pytest.mark.parametrize("holes", [slice(2, None), slice(None)])
def test_too_few_or_constant_pairs_have_no_coefficient(holes) -> None:
    pairs = made_up_pairs()
    pairs.loc[pairs.index[holes], "x"] = np.nan
    found = correlate(pairs, "pearson", 10, 0)
    assert found.n == pairs["x"].notna().sum()
    assert np.isnan([*found[1:]]).all()
    assert np.isnan(correlate(made_up_pairs().assign(y=0.3), "spearman", 10, 0).value)


# --- drops ----------------------------------------------------------------------------------------------------------


def summary(rows) -> pd.DataFrame:
    columns = ["setup", "target", "method", "measure", "language", "value"]
    return pd.DataFrame(rows, columns=columns).assign(subset="all")


SCORES = summary(
    [
        ("2x", "swe", "", "facts", "swe", 0.9),
        ("2x", "swe", "", "facts", "isl", 0.1),
        ("2x", "isl", "", "facts", "isl", 0.7),
        ("2x", "isl+swe", "linear", "facts", "swe", 0.6),
        ("2x", "isl+swe", "linear", "facts", "isl", 0.5),
        ("2x", "isl+swe", "ties", "facts", "swe", 0.0),
        ("2x", "isl+swe", "ties", "facts", "isl", 0.0),
        ("2x", "swe", "", "parity", "swe", 1.0),
        ("2x", "isl", "", "parity", "isl", 0.8),
        ("2x", "isl+swe", "linear", "parity", "swe", 1.0),
        ("2x", "isl+swe", "linear", "parity", "isl", 0.9),
    ]
)


def delta(table: pd.DataFrame, measure: str) -> float:
    return table.loc[table["measure"] == measure, "delta"].item()


def test_delta_is_the_merge_minus_each_language_s_own_model() -> None:
    table = drops(SCORES, ["2x"], ["swe", "isl"], "linear")
    assert table[["setup", "first", "second"]].drop_duplicates().to_numpy().tolist() == [["2x", "isl", "swe"]]
    assert delta(table, "facts") == pytest.approx((0.6 + 0.5) / 2 - (0.9 + 0.7) / 2)
    assert delta(table, "parity") == pytest.approx((1.0 + 0.9) / 2 - (1.0 + 0.8) / 2)
    assert delta(table, "mean") == pytest.approx((-0.25 + 0.05) / 2)
    assert delta(drops(SCORES, ["2x"], ["swe", "isl"], "ties"), "facts") == pytest.approx(-0.8)


def test_a_missing_score_leaves_no_delta_and_no_mean() -> None:
    without = SCORES[
        ~((SCORES["target"] == "isl+swe") & (SCORES["language"] == "isl") & (SCORES["measure"] == "facts"))
    ]
    table = drops(without, ["2x"], ["swe", "isl"], "linear")
    assert np.isnan([delta(table, "facts"), delta(table, "mean")]).all()
    assert delta(table, "parity") == pytest.approx(0.05)


def test_available_cases_take_the_language_that_has_both_scores() -> None:
    """As multiblimp/matrix_analysis.py of Aycock et al. does for pairs with Chinese, which MultiBLiMP lacks."""
    lacking = SCORES[~((SCORES["language"] == "isl") & (SCORES["measure"] == "facts"))]
    table = drops(lacking, ["2x"], ["swe", "isl"], "linear", "available")
    assert delta(table, "facts") == pytest.approx(0.6 - 0.9)
    assert delta(table, "parity") == pytest.approx(0.05), "both languages have it"
    assert delta(table, "mean") == pytest.approx((-0.3 + 0.05) / 2)
    whole = [drops(SCORES, ["2x"], ["swe", "isl"], "linear", cases) for cases in ("complete", "available")]
    assert whole[0].equals(whole[1]), "to the bit where nothing is missing"


def test_available_cases_never_compare_different_languages() -> None:
    merged = (SCORES["target"] == "isl+swe") & (SCORES["measure"] == "facts")
    half = SCORES[~(merged & (SCORES["language"] == "isl"))]
    assert delta(drops(half, ["2x"], ["swe", "isl"], "linear", "available"), "facts") == pytest.approx(0.6 - 0.9)
    none = drops(SCORES[~merged], ["2x"], ["swe", "isl"], "linear", "available")
    assert np.isnan([delta(none, "facts"), delta(none, "mean")]).all()


def test_ten_languages_of_which_one_lacks_the_benchmark_make_36_or_45_pairs() -> None:
    languages = [f"l{i:02}" for i in range(10)]
    rows = [("scratch", code, "", "acceptability", code, 0.9) for code in languages[1:]]
    for pair in combinations(languages, 2):
        rows += [("scratch", "+".join(pair), "linear", "acceptability", x, 0.6) for x in pair if x != languages[0]]
    counts = {
        cases: drops(summary(rows), ["scratch"], languages, "linear", cases).groupby("measure")["delta"].count()
        for cases in ("complete", "available")
    }
    assert (counts["complete"]["acceptability"], counts["available"]["acceptability"]) == (36, 45)


def test_pairs_find_their_similarity_whichever_language_stands_first() -> None:
    whole = pd.Series([pd.NA, pd.NA, 0, pd.NA, pd.NA], dtype="Int64")
    comparisons = pd.DataFrame(
        {
            "setup": "2x",
            "first": ["swe", "swe", "swe", "swe", "swe"],
            "second": ["isl", "", "isl", "isl", "isl"],
            "measure": ["cka", "norm", "cka", "cosine", "cosine"],
            "layer": whole,
            "kind": ["all", "all", "all", "all", "q"],
            "value": [0.8, 9.0, 0.1, 0.3, 0.2],
        }
    )
    distances = pd.DataFrame({"first": ["isl"], "second": ["swe"], "distance": [0.13]})
    deltas = drops(SCORES, ["2x", "1x"], ["swe", "isl"], "linear")
    table = similarity_and_drop(comparisons, deltas, distances)
    found = table[(table["setup"] == "2x") & (table["measure"] == "facts")].set_index("similarity")
    assert found["x"].to_dict() == {"cka": 0.8, "cosine": 0.3, "typological_distance": 0.13}
    assert found["delta"].unique().tolist() == pytest.approx([-0.25])
    absent = table[table["setup"] == "1x"].set_index("similarity")
    assert absent.loc["cka", "x"].isna().all()  # not compared
    assert absent["delta"].isna().all()


def test_every_setup_is_correlated_for_itself_and_all_together() -> None:
    points = [made_up_pairs(("1x",), seed=1), made_up_pairs(("2x",), seed=2).assign(x=lambda rows: rows["x"] + 10)]
    pairs = pd.concat(points).rename(columns={"y": "delta"}).assign(measure="mean", similarity="cka")
    table = correlations(pairs, 50, 1)
    assert tuple(table.columns) == CORRELATION_COLUMNS
    found = table[table["coefficient"] == "pearson"].set_index("setup")
    assert found["n"].to_dict() == {"1x": 6, "2x": 6, "all": 12}
    assert found.loc["1x", "value"] == pytest.approx(stats.pearsonr(points[0]["x"], points[0]["y"]).statistic)
    assert found.loc["all", "value"] == pytest.approx(stats.pearsonr(pairs["x"], pairs["delta"]).statistic)
    assert set(correlations(pairs[pairs["setup"] == "1x"], 50, 1)["setup"]) == {"1x"}


def test_p_values_are_adjusted_for_the_predictors_tried_on_the_same_deltas() -> None:
    pairs = made_up_pairs(("1x", "2x"), noise=0.3).rename(columns={"y": "delta"}).assign(measure="facts")
    rng = np.random.default_rng(4)
    tried = [pairs.assign(similarity=f"s{i}", x=pairs["x"] + i * rng.standard_normal(len(pairs))) for i in range(3)]
    table = correlations(pd.concat(tried), 50, 1)
    assert len(table) == 3 * 3 * 2  # setups and all, similarities, coefficients
    for _, family in table.groupby(["setup", "coefficient"]):
        assert family["p_holm"].to_numpy() == pytest.approx(holm(family["p_permuted"]))
        assert family["p_holm"].min() == pytest.approx(min(1.0, 3 * family["p_permuted"].min()))


def test_translation_has_a_drop_of_its_own_and_none_in_the_mean() -> None:
    def scores(target: str, method: str, facts: float, chrf: float) -> list[dict]:
        about = {"subset": "all", "setup": "2x", "target": target, "method": method}
        values = (("facts", facts), ("translation", chrf))
        return [about | {"language": x, "measure": m, "value": v} for x in ("isl", "swe") for m, v in values]

    rows = scores("isl", "", 0.5, 30.0) + scores("swe", "", 0.5, 30.0) + scores("isl+swe", "linear", 0.4, 10.0)
    found = drops(pd.DataFrame(rows), ["2x"], ["isl", "swe"], "linear").set_index("measure")["delta"]
    assert found.to_dict() == pytest.approx({"facts": -0.1, "translation": -20.0, "mean": -0.1})
