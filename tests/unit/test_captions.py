"""What stands under a figure."""

import pytest
from made_up_scores import selection

from growmerge.config.analysis import Analysis
from growmerge.figures import FIGURES
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
