"""The figure of partial sharing, on scores worked out by hand."""

from dataclasses import replace

import numpy as np
import pytest
from made_up_scores import artists, clashes, legend, selection, summary_of, without
from scipy import stats

from growmerge.figures import FIGURES
from growmerge.figures.sharing import sharing_data, sharing_finding

draw_sharing = FIGURES["sharing"].drawn

SHARES = {"shared-100": 1.0, "scratch": 0.0, "shared-5": 0.05}
SELECTION = selection(("swe", "isl", "fas"), tuple(SHARES), shares=SHARES)

# By setup, the scores of the experts in their own languages, and of the pairs in their two.
EXPERTS = {"scratch": {"swe": 0.9, "isl": 0.7, "fas": 0.8}, "shared-5": {"swe": 0.8, "isl": 0.7, "fas": 0.6}}
PAIRS = {
    "scratch": {"isl+swe": (0.5, 0.6), "fas+swe": (0.5, 0.6), "fas+isl": (0.55, 0.45)},
    "shared-5": {"isl+swe": (0.70, 0.79), "fas+swe": (0.61, 0.77), "fas+isl": (0.60, 0.70)},
}


def summary(measure: str = "grammar"):
    scores = {}
    for setup, of_setup in EXPERTS.items():
        for language, value in of_setup.items():
            scores[f"{setup}/{language}"] = {measure: {x: value if x == language else 0.1 for x in of_setup}}
            scores[f"{setup}/{language}@20"] = {measure: dict.fromkeys(of_setup, 0.99)}
        for pair, values in PAIRS[setup].items():
            by_language = dict(zip(pair.split("+"), values, strict=True))
            scores[f"{setup}/{pair}/linear"] = {measure: {x: by_language.get(x, 0.1) for x in of_setup}}
            scores[f"{setup}/{pair}@20/linear"] = {measure: dict.fromkeys(of_setup, 0.99)}
    scores["shared-5/common"] = {measure: {"swe": 0.5, "isl": 0.6, "fas": 0.7}}
    scores["shared-100/common"] = {measure: {"swe": 0.85, "isl": 0.65, "fas": 0.75}}
    return summary_of(scores)


def data(table=None):
    return sharing_data(summary() if table is None else table, SELECTION)


def pairs(table, setup):
    chosen = table[(table["part"] == "pair") & (table["setup"] == setup)]
    return {f"{mark.first}+{mark.second}": mark.value for mark in chosen.itertuples()}


def mean(table, setup):
    return table[(table["part"] == "mean") & (table["setup"] == setup)].iloc[0]


def score(table, setup, series):
    return table[(table["part"] == "score") & (table["setup"] == setup) & (table["series"] == series)].iloc[0]


def test_the_drop_of_each_pair_by_hand() -> None:
    table = data()
    assert list(dict.fromkeys(table["setup"])) == ["scratch", "shared-5", "shared-100"]
    # Merge in both languages minus both experts: (0.5 + 0.6) / 2 - (0.7 + 0.9) / 2, and so on.
    assert pairs(table, "scratch") == pytest.approx({"isl+swe": -0.25, "fas+swe": -0.3, "fas+isl": -0.25})
    assert pairs(table, "shared-5") == pytest.approx({"isl+swe": -0.005, "fas+swe": -0.01, "fas+isl": 0.0})


def test_the_mean_drop_and_its_interval() -> None:
    found = mean(data(), "scratch")
    t = stats.ttest_1samp([-0.25, -0.3, -0.25], 0).confidence_interval()
    assert found[["value", "low", "high"]].tolist() == pytest.approx([-0.8 / 3, t.low, t.high])
    assert (found["n"], found["n_expected"]) == (3, 3)


def test_without_experts_the_drop_is_zero_by_definition_and_the_common_model_is_scored() -> None:
    table = data()
    assert pairs(table, "shared-100") == {"isl+swe": 0, "fas+swe": 0, "fas+isl": 0}
    assert mean(table, "shared-100")[["value", "low", "high"]].tolist() == [0, 0, 0]
    assert set(table.loc[table["by_definition"], "setup"]) == {"shared-100"}
    common = score(table, "shared-100", "common")
    assert common[["value", "low", "high"]].tolist() == pytest.approx([0.75, 0.65, 0.85])
    assert set(table.loc[(table["part"] == "score") & (table["setup"] == "shared-100"), "series"]) == {"common"}


def test_scores_are_means_over_languages_and_pairs() -> None:
    table = data()
    assert score(table, "scratch", "expert")[["value", "low", "high"]].tolist() == pytest.approx([0.8, 0.7, 0.9])
    merges = score(table, "shared-5", "merge")  # 0.745, 0.69, 0.65
    assert merges[["value", "low", "high"]].tolist() == pytest.approx([2.085 / 3, 0.65, 0.745])
    assert score(table, "shared-5", "common")["value"] == pytest.approx(0.6)
    assert "common" not in set(table.loc[table["setup"] == "scratch", "series"])


def test_a_mean_over_other_pairs_is_not_given() -> None:
    table = data(without(summary(), id="scratch/isl+swe/linear", language="swe"))
    assert np.isnan(pairs(table, "scratch")["isl+swe"])
    assert pairs(table, "scratch")["fas+swe"] == pytest.approx(-0.3)
    assert np.isnan(mean(table, "scratch")["value"])
    assert (mean(table, "scratch")["n"], mean(table, "scratch")["n_expected"]) == (2, 3)
    assert np.isnan(score(table, "scratch", "merge")["value"])
    assert score(table, "scratch", "expert")["value"] == pytest.approx(0.8)


def test_languages_that_a_measure_lacks_make_no_pairs() -> None:
    rows = summary()
    table = data(rows[rows["language"] != "fas"])
    assert pairs(table, "scratch") == pytest.approx({"isl+swe": -0.25})
    assert score(table, "scratch", "expert")["value"] == pytest.approx(0.8)  # 0.9 and 0.7


def test_the_finding_says_from_which_share_on_merging_costs_nothing() -> None:
    t = stats.ttest_1samp([-0.25, -0.3, -0.25], 0).confidence_interval()
    five = stats.ttest_1samp([-0.005, -0.01, 0.0], 0).confidence_interval()
    numbers = [f"{x:+.3f}".replace("-", "−") for x in (-0.8 / 3, t.low, t.high, -0.005, five.low, five.high)]
    text = sharing_finding(data())
    assert text == (
        f"grammar: mean difference {numbers[0]} ({numbers[1]} to {numbers[2]}) at 0 %, "
        f"{numbers[3]} ({numbers[4]} to {numbers[5]}) at 5 %; its interval reaches 0 from 5 % on."
    )
    never = sharing_finding(data(without(summary(), setup="shared-5")))
    assert never.endswith("at 0 %; its interval stays below 0.")
    assert sharing_finding(data().iloc[:0]) == ""
    alone = sharing_finding(data().assign(low=np.nan, high=np.nan))
    assert alone == "grammar: mean difference −0.267 at 0 %, −0.005 at 5 %; one pair, so no interval."


def test_pairs_are_thin_lines_and_what_is_no_measurement_is_hollow() -> None:
    figure = draw_sharing(data())
    left, right = figure.axes
    assert len(artists(left, "pair")) == 3
    (bold,) = artists(left, "mean")
    assert bold.get_ydata().tolist() == pytest.approx([-0.8 / 3, -0.005, np.nan], nan_ok=True)
    assert [len(artists(right, name)[0].get_xdata()) for name in ("expert", "merge", "common")] == [2, 2, 2]
    assert [text.get_text() for text in left.get_xticklabels()] == ["0 %", "5 %", "100 %"]
    assert "0 by definition" in legend(figure)
    assert not artists(figure, "missing")
    holes = draw_sharing(data(without(summary(), id="scratch/isl+swe/linear", language="swe")))
    assert len(artists(holes, "missing")) == 2
    assert "no score of one or more" in legend(holes)


def test_labels_do_not_overlap() -> None:
    shares = {"scratch": 0.0, "shared-1": 0.01, "shared-5": 0.05, "shared-20": 0.2, "shared-100": 1.0}
    figure = draw_sharing(sharing_data(summary("acceptability"), replace(SELECTION, own={"shares": shares})))
    assert not clashes(figure)


def test_nothing_to_show_is_said() -> None:
    figure = draw_sharing(data(summary().iloc[:0]))
    assert "were scored" in figure.axes[0].texts[0].get_text()
