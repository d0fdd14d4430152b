"""The sentences under figures say what hand-made tables show, and what they do not."""

import time

import numpy as np
import pandas as pd
import pytest
from conftest import ROOT
from docutils.core import publish_parts
from jinja2 import Template
from made_up_scores import selection

from growmerge.config.analysis import Analysis
from growmerge.config.merging import Method
from growmerge.errors import GrowmergeError
from growmerge.figures import FIGURES
from growmerge.figures.common.write import write_figure
from growmerge.figures.density import density_finding
from growmerge.figures.language_vectors import vectors_finding
from growmerge.figures.similarity_and_drop import drop_finding
from growmerge.frames import write_frame
from growmerge.tables.statistics import mean_difference

LANGUAGES = ("ekk", "isl", "swe")
TIES = {"uses_base": True, "method": "ties"}
SETTINGS = (
    Method(name="linear", parameters={"weight": 1.0}),
    *(Method(name=f"ties-{d}", parameters={"weight": 1.0, "density": d}, **TIES) for d in (0.2, 0.5, 0.7, 0.9)),
)
SELECTION = selection(LANGUAGES, ("1x", "2x"), settings=SETTINGS, method="linear")
PAIRS = ("ekk+isl", "ekk+swe", "isl+swe")


def summary(scores, setup="1x"):
    """Of {measure: {method: one score a pair}}, the rows of a summary; both languages of a pair score the same."""
    rows = [
        (f"{setup}/{pair}/{method}", "merge", setup, pair, method, 2, measure, language, "all", value, 0.5)
        for measure, by_method in scores.items()
        for method, values in by_method.items()
        for pair, value in zip(PAIRS, values, strict=True)
        for language in pair.split("+")
    ]
    about = ["id", "kind", "setup", "target", "method", "members", "measure", "language", "subset"]
    table = pd.DataFrame(rows, columns=[*about, "value", "chance"])
    return table.assign(low=table["value"], high=table["value"], n=10, step=pd.NA)


# Gains of 0.1, 0.2, 0.3: mean 0.2, standard deviation 0.1, so that the t interval (2 degrees of freedom: 4.303) reaches
# 4.303 * 0.1 / sqrt(3) = 0.248 on either side. Gains of 0.19, 0.2, 0.21: 0.025.
UNSURE = {"linear": [0.8, 0.8, 0.8], "ties-0.5": [0.5, 0.5, 0.5], "ties-0.9": [0.6, 0.7, 0.8]}
RESCUED = {"linear": [0.7, 0.7, 0.7], "ties-0.5": [0.5, 0.5, 0.5], "ties-0.9": [0.69, 0.7, 0.71]}
BETTER_BUT_WORSE = {"linear": [0.9, 0.9, 0.9], "ties-0.5": [0.5, 0.5, 0.5], "ties-0.9": [0.69, 0.7, 0.71]}


def test_a_mean_has_its_t_interval():
    mean, low, high = mean_difference(np.array([0.1, 0.2, np.nan, 0.3]))
    assert (mean, low, high) == pytest.approx((0.2, 0.2 - 0.248414, 0.2 + 0.248414), abs=1e-6)
    alone = mean_difference(np.array([0.4, np.nan]))
    assert alone.mean == 0.4
    assert np.isnan([alone.low, alone.high, *mean_difference(np.array([np.nan]))]).all()


def test_a_rescue_is_a_sure_gain_that_ends_no_lower_than_linear():
    table = summary({"acceptability": UNSURE, "parity": RESCUED, "facts": BETTER_BUT_WORSE})
    text = density_finding(table, SELECTION)
    assert "ties, density 0.9 instead of 0.5, 3 merges: " in text
    assert "acceptability +0.200 (−0.048 to +0.448), which leaves −0.100 (−0.348 to +0.148) against linear" in text
    assert "parity +0.200 (+0.175 to +0.225), which leaves 0.000 (−0.025 to +0.025) against linear" in text
    assert "facts +0.200 (+0.175 to +0.225), which leaves −0.200 (−0.225 to −0.175) against linear" in text
    assert "So keeping more rescues ties in 1 of 3 measures (parity)." in text


@pytest.mark.parametrize(("scores", "where"), [(UNSURE, "no measure"), (RESCUED, "the one measure")])
def test_the_verdict_follows_the_data(scores, where):
    assert f"rescues ties in {where}." in density_finding(summary({"facts": scores}), SELECTION)


def test_where_less_is_better_a_rescue_loses_bits():
    fewer = {name: [1 - value for value in values] for name, values in RESCUED.items()}
    more = {"linear": [0.5, 0.5, 0.5], "ties-0.5": [0.7, 0.7, 0.7], "ties-0.9": [0.89, 0.9, 0.91]}
    text = density_finding(summary({"bits_per_byte": fewer, "acceptability": RESCUED}), SELECTION)
    assert "bits_per_byte −0.200 (−0.225 to −0.175), which leaves 0.000 (−0.025 to +0.025)" in text
    assert "So keeping more rescues ties in every measure." in text
    assert "rescues ties in no measure." in density_finding(summary({"bits_per_byte": more}), SELECTION)


def test_all_setups_count_and_merges_with_a_missing_score_do_not():
    table = pd.concat([summary({"facts": RESCUED}), summary({"facts": RESCUED}, "2x"), summary({"facts": UNSURE}, "x")])
    assert "6 merges" in density_finding(table, SELECTION)
    table.loc[(table["id"] == "2x/isl+swe/linear") & (table["language"] == "swe"), "value"] = np.nan
    assert "5 merges" in density_finding(table, SELECTION)


def test_without_a_sweep_or_without_scores_nothing_is_claimed():
    assert density_finding(summary({"facts": RESCUED}), selection(LANGUAGES, ("1x",), settings=SETTINGS[:2])) == ""
    lacking = summary({"facts": {name: RESCUED[name] for name in ("linear", "ties-0.5")}})
    assert density_finding(lacking, SELECTION).startswith("ties: too few scores to say")


def comparisons(setup, cosines, conflicts):
    pairs = [pair.split("+") for pair in PAIRS]
    rows = [
        (setup, *pair, measure, layer, kind, value + shift)
        for measure, values in (("cosine", cosines), ("sign_conflicts", conflicts))
        for pair, value in zip(pairs, values, strict=True)
        for layer, kind, shift in ((pd.NA, "all", 0.0), (0, "all", 0.9), (pd.NA, "norm", 0.9))
    ]
    return pd.DataFrame(rows, columns=["setup", "first", "second", "measure", "layer", "kind", "value"])


def test_language_vectors_are_nearly_orthogonal_where_every_cosine_is_small():
    alike = comparisons("1x", [0.31, 0.4, 0.52], [0.3, 0.35, 0.4])
    apart = comparisons("2x", [-0.04, 0.0, 0.1], [0.5, 0.5, 0.5])
    text = vectors_finding(pd.concat([alike, apart]), SELECTION)
    assert "1x 0.31 to 0.52, sign conflicts 30 to 40 %; 2x −0.04 to 0.10, sign conflicts 50 % (" in text
    assert "(every cosine within ±0.1) in 1 of 2 setups (2x)." in text
    assert vectors_finding(alike, SELECTION).endswith("in no setup.")
    assert vectors_finding(apart, SELECTION).endswith("in the one setup.")
    assert vectors_finding(alike[:0], SELECTION) == "No models were compared."


def correlation(setup, measure, similarity, value, low, high, p=0.5, coefficient="spearman", holm=None):
    return (setup, measure, similarity, coefficient, 12, value, 0.5, p, low, high, p if holm is None else holm)


def correlations(*rows):
    columns = [
        "setup",
        "measure",
        "similarity",
        "coefficient",
        "n",
        "value",
        "p",
        "p_permuted",
        "low",
        "high",
        "p_holm",
    ]
    return pd.DataFrame(rows, columns=columns)


def test_the_strongest_predictor_is_named_with_its_interval_or_none_is():
    table = correlations(
        correlation("all", "mean", "cka", 0.9, -0.1, 1.0, p=0.001),
        correlation("all", "facts", "cka", 0.4, 0.1, 0.6, p=0.01),
        correlation("all", "facts", "l2_difference", 0.95, 0.9, 1.0, p=0.02, holm=0.06),
        correlation("all", "facts", "cosine", -0.5, -0.7, -0.2, p=0.011, holm=0.043),
        correlation("all", "facts", "l2_difference", 0.99, 0.9, 1.0, coefficient="pearson"),
        correlation("1x", "facts", "cosine", 0.9, 0.8, 1.0, p=0.01),
        correlation("2x", "facts", "cosine", np.nan, np.nan, np.nan, p=np.nan),
        correlation("2x", "facts", "cka", 0.1, -0.8, 0.9),
    )
    text = drop_finding(table)
    assert "facts: cosine (ρ −0.500 (−0.700 to −0.200), 12 pairs, p = 0.043)" in text
    assert "by relabelling the languages, adjusted for the number of predictors tried (Holm)" in text
    assert text.index("facts") < text.index("mean of the measures: none of 1")
    assert "within single setups 1 of 2 ρ have p < 0.05 before adjustment (by chance: 0)" in text


def test_one_setup_is_its_own_whole():
    text = drop_finding(correlations(correlation("1x", "facts", "cka", 0.4, 0.1, 0.6, p=0.01)))
    assert "all pairs" in text
    assert "facts: cka (ρ +0.400" in text
    assert "setups" not in text
    assert "Too few pairs" in drop_finding(correlations())


def test_a_caption_and_the_report_end_with_what_the_figure_shows(tmp_path):
    table, pdf = tmp_path / "density.parquet", tmp_path / "figures/density.pdf"
    data = summary({"parity": RESCUED})
    write_frame(data, table, [], None, {}, time.monotonic())
    write_figure("density", table, pdf, SELECTION, Analysis(), study="hand-made")
    caption, shown = pdf.with_suffix(".md").read_text(encoding="utf-8").strip().split("\n\n")
    assert caption.endswith("Study: hand-made.")
    assert shown == f"**What it shows.** {density_finding(data, SELECTION)}"

    # As Snakemake renders the report's captions.
    output = {"caption": str(pdf.with_suffix(".md")), "csv": str(pdf.with_suffix(".csv"))}
    template = Template((ROOT / "workflow/report/figure.rst").read_text(encoding="utf-8"))
    html = publish_parts(template.render(snakemake={"output": output}), writer="html")["body"]
    assert "rescues ties in the one measure" in html
    assert "system-message" not in html

    # No setup is wider than another, so there is nothing to say.
    write_figure("methods", table, tmp_path / "figures/methods.pdf", SELECTION, Analysis(), study="hand-made")
    assert "What it shows" not in (tmp_path / "figures/methods.md").read_text(encoding="utf-8")


def test_a_figure_without_any_scores_says_so_in_one_line(tmp_path):
    table = tmp_path / "methods.parquet"
    write_frame(summary({"parity": RESCUED}).iloc[:0], table, [], None, {}, time.monotonic())
    with pytest.raises(GrowmergeError, match=r"methods\.parquet: no model of the figure 'methods' has scores yet"):
        write_figure("methods", table, tmp_path / "methods.pdf", SELECTION, Analysis(), study="hand-made")


def test_every_figure_can_say_what_it_shows():
    assert [name for name, figure in FIGURES.items() if figure.finding is None] == []
