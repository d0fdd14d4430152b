"""What stands under a figure."""

from dataclasses import replace
from pathlib import Path

import pytest
from conftest import ROOT
from made_up_scores import selection

from growmerge.config import load_files
from growmerge.config.analysis import Analysis
from growmerge.config.merging import Method
from growmerge.figures import FIGURES
from growmerge.study.costs import Costs, stated_counts
from growmerge.study.grid import Grid
from growmerge.study.shown import Shown
from growmerge.tables.summary import MEASURES

SELECTION = selection(("deu", "tur", "zho"), ("scratch", "shared-5"), ("linear", "ties"))
NOTE = "A miniature: it shows that the machinery works, not what the paper found."


@pytest.mark.parametrize("name", ["over_training", "series", "sharing"])
def test_figures_of_the_second_study_say_what_from_what_and_how_far(name: str) -> None:
    text = FIGURES[name].text(SELECTION, Analysis(note=NOTE), study="limits", measures=["belebele"])
    assert text.endswith(f"Study: limits. {NOTE}")
    assert "for deu, tur and zho in the setups scratch and shared-5" in text
    assert "by linear" in text
    assert "independent" in text  # what the interval of a mean assumes
    assert "no score" in text


def test_that_task_arithmetic_is_linear_is_said_where_both_are_shown() -> None:
    same = "Task arithmetic with equal weights and `normalize` is linear merging"
    both, one = ("linear", "task_arithmetic", "ties"), ("linear", "ties")
    for methods, shown in ((both, True), (one, False)):
        settings = [Method(name=name, uses_base=name != "linear", parameters={"weight": 1.0}) for name in methods]
        chosen = selection(("deu", "tur"), ("scratch",), methods, settings=settings)
        for name in ("methods", "density", "gap", "series", "over_training"):
            assert (same in FIGURES[name].text(chosen, Analysis(), study="s", measures=["facts"])) == shown


@pytest.mark.parametrize("name", ["baselines", "over_training", "series"])
def test_which_intervals_are_drawn_is_said(name: str) -> None:
    text = FIGURES[name].text(SELECTION, Analysis(bootstrap_resamples=77), study="s", measures=["facts"])
    assert "Wilson's of shares of right answers, else bootstrap percentiles, 77 resamples" in text
    assert "n too small: fewer than 20 items, so none" in text


def test_only_the_measures_of_a_figure_are_explained() -> None:
    text = FIGURES["series"].text(SELECTION, Analysis(), study="s", measures=["acceptability", "xcsqa", "translation"])
    assert (
        "Acceptability: share of minimal pairs whose right side has the higher summed log-probability (ties are "
        "wrong); X-CSQA accuracy: share of questions "
        "whose right answer is the likeliest of those offered; translation: chrF++ of all sentences together, 0 to "
        "100; higher is better." in text
    )
    assert "parity" not in text
    facts = FIGURES["methods"].text(SELECTION, Analysis(), study="s", measures=["facts", "parity"])
    assert "Facts: share of minimal pairs" in facts
    assert "phenomena" not in facts
    assert "information parity: mean over parallel sentences of NLL" in facts
    every = FIGURES["methods"].text(SELECTION, Analysis(), study="s", measures=MEASURES)
    assert "Acceptability and facts: share of minimal pairs" in every


def test_figures_of_setups_that_descend_from_noiseless_clones_say_so() -> None:
    chosen = replace(selection(("isl", "swe"), ("1x", "1x_cloned", "2x")), noiseless=("1x_cloned", "2x"))
    text = FIGURES["baselines"].text(chosen, Analysis(), study="s")
    assert "The models of 1x_cloned and 2x descend from a HyperClone without noise." in text
    for setups, noiseless in ((("1x",), ("2x",)), (("1x", "2x"), ())):
        text = FIGURES["baselines"].text(replace(chosen, setups=setups, noiseless=noiseless), Analysis(), study="s")
        assert "HyperClone" not in text


def test_languages_have_their_names_and_codes() -> None:
    named = replace(SELECTION, names={"deu": "German", "tur": "Türkçe"})
    text = FIGURES["series"].text(named, Analysis(), study="s")
    assert "for German (deu), Türkçe (tur) and zho in the setups scratch and shared-5" in text


def test_names_and_codes_of_languages_are_those_of_the_configuration() -> None:
    grid = Grid(load_files(ROOT / "config/config.yaml", ROOT / "config/miniature.yaml"))
    shown = Shown(Costs(grid, stated_counts(grid.study)), [])
    names = {"swe": "Swedish", "isl": "Icelandic", "ekk": "Estonian", "fas": "Persian", "eng": "English"}
    assert all(figure.selected(shown)["names"] == names for figure in FIGURES.values())


def test_the_mean_of_measures_says_which_it_leaves_out() -> None:
    text = FIGURES["similarity_and_drop"].text(SELECTION, Analysis(), study="s")
    assert "leaves out held-out text (bits per byte) and translation (chrF++)" in text


def test_the_published_grid_clones_without_noise_and_the_miniature_with_it() -> None:
    full = ROOT / "config/config.yaml"

    def selected(*files: Path) -> dict:
        grid = Grid(load_files(full, *files))
        return FIGURES["baselines"].selected(Shown(Costs(grid, stated_counts(grid.study)), []))

    assert selected()["noiseless"] == ["1x_cloned", "2x"]
    assert "noiseless" not in selected(ROOT / "config/miniature.yaml"), "its params stay as they were"


def test_the_drops_say_what_counts_in_a_measure_that_lacks_a_language() -> None:
    sentence = "a pair counts with the other language alone"
    figure = FIGURES["similarity_and_drop"]
    assert sentence in figure.text(SELECTION, Analysis(drop_cases="available"), study="s")
    assert sentence not in figure.text(SELECTION, Analysis(), study="s")
    assert "drop_cases" not in Analysis().model_dump(), "params of other studies stay as they were"
