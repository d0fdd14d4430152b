"""UniMax shares a budget out as equally as its cap allows."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from growmerge.study.unimax import unimax

# Tokens of the published training files, times one factor for all: characters of which the published epochs follow.
TOKENS = {"swe": 64.1733e9, "fas": 60.5054e9, "ekk": 16.3946e9, "isl": 4.30104e9, "fao": 0.229657e9}
CHARACTERS = {language: round(2.74585 * tokens) for language, tokens in TOKENS.items()}


def test_the_papers_variant_gives_the_published_epochs():
    """Section 3.4: one epoch of Swedish and Persian, six of Faroese and Icelandic, about 4.45 of Estonian."""
    epochs = unimax(CHARACTERS, 617.5e9, 6, fixed={"swe": 1, "fas": 1})
    assert (epochs["swe"], epochs["fas"], epochs["isl"], epochs["fao"]) == (1, 1, 6, 6)
    assert epochs["ekk"] == pytest.approx(4.454, abs=0.0005)


def test_the_exact_rule_gives_slightly_more_than_one_epoch_of_swedish_and_persian():
    """As the paper says of it, section 3.4."""
    epochs = unimax(CHARACTERS, 617.5e9, 6)
    assert 1 < epochs["swe"] < 1.05
    assert 1 < epochs["fas"] < 1.1
    assert (epochs["isl"], epochs["fao"]) == (6, 6)


def test_a_hand_computed_case():
    # 30 to share: a gets its cap of 2 x 2 = 4 (an equal share were 10), b and c 13 each.
    assert unimax({"c": 100, "a": 2, "b": 10}, 30, 2) == {"a": 2.0, "b": 1.3, "c": 0.13}


@given(
    st.dictionaries(st.sampled_from("abcdef"), st.integers(1, 10**12), min_size=1),
    st.floats(1, 1e12),
    st.floats(0.5, 10),
)
def test_nobody_exceeds_the_cap_and_the_budget_is_spent_if_it_can_be(characters, budget, cap):
    epochs = unimax(characters, budget, cap)
    spent = {language: epochs[language] * size for language, size in characters.items()}
    assert all(value <= cap * (1 + 1e-9) for value in epochs.values())
    assert sum(spent.values()) == pytest.approx(min(budget, cap * sum(characters.values())))
    below = [spent[language] for language in characters if epochs[language] < cap * (1 - 1e-9)]
    assert all(share == pytest.approx(max(spent.values())) for share in below), "whoever is not capped has the most"


def test_fixed_languages_that_leave_nothing_are_refused():
    with pytest.raises(ValueError, match="used up"):
        unimax({"a": 100, "b": 5}, 100, 6, fixed={"a": 1})
