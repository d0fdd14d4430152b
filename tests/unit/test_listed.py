"""What is found once for the models that were scored on the same items."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_gap import MEASURED, NO_REFERENCE, pairs, text

from growmerge.errors import GrowmergeError
from growmerge.evaluation.outcomes import Documents, outcomes
from growmerge.study.grid import Model
from growmerge.tables import listed, statistics
from growmerge.tables.listed import Listings
from growmerge.tables.summary import summarise

LOGPROBS = st.sampled_from([-1.0, -2.0, -2.5, np.nan])  # few values, so that there are ties


@st.composite
def scored(draw):
    """Rows of items with two to four candidates in two benchmarks, in any order."""
    items = [(b, f"i{n}") for b in ("a", "b") for n in range(draw(st.integers(1, 3)))]
    rows = [
        (benchmark, "swe", item, candidate, draw(LOGPROBS))
        for benchmark, item in items
        for candidate in range(draw(st.integers(2, 4)))
    ]
    return pd.DataFrame(draw(st.permutations(rows)), columns=["benchmark", "language", "item", "candidate", "logprob"])


@given(scored())
def test_items_are_judged_as_by_a_plain_loop(rows):
    found = outcomes(rows)
    assert list(found.index) == list(
        map(tuple, rows.loc[rows["candidate"] == 0, ["benchmark", "language", "item"]].values)
    )
    for (benchmark, _, item), judged in found.iterrows():
        of_item = rows[(rows["benchmark"] == benchmark) & (rows["item"] == item)].sort_values("candidate")["logprob"]
        first, *others = of_item
        known = not of_item.isna().any()
        assert judged["candidates"] == len(of_item)
        assert judged["tie"] == (known and first == max(others))
        assert np.array_equal(judged["right"], float(first > max(others)) if known else np.nan, equal_nan=True)


def test_items_of_one_name_share_their_other_candidates():
    """Tables refuse such items; made-up ones that go to no table may have them."""
    rows = pd.DataFrame(
        [("a", "swe", "i", candidate, logprob) for candidate, logprob in ((0, -1.0), (1, -2.0), (0, -3.0), (1, -2.5))],
        columns=["benchmark", "language", "item", "candidate", "logprob"],
    )
    found = outcomes(rows)
    assert list(found["right"]) == [1.0, 0.0] and list(found["candidates"]) == [3, 3]


@given(st.permutations([(f"d{d}#{p}", -1.0 - d / 3 - p, 10 + p) for d in range(3) for p in range(d + 1)]))
def test_bits_and_bytes_are_summed_by_document_whatever_the_order_of_rows(pieces):
    rows = pd.DataFrame(pieces, columns=["item", "logprob", "bytes"]).assign(benchmark="text", language="swe")
    found = Documents.of(rows)
    bits = found.bits(rows["logprob"].to_numpy())
    for d in range(3):
        nats, length = sum(1 + d / 3 + p for p in range(d + 1)), sum(10 + p for p in range(d + 1))
        place = found.index.get_loc(("text", "swe", f"d{d}"))
        assert bits[place] == pytest.approx(nats / np.log(2)) and found.bytes[place] == length


def test_models_with_the_same_items_share_a_listing_and_others_do_not():
    listings = Listings(MEASURED, NO_REFERENCE)
    first = listings.of(pairs(10), "one")
    assert listings.of(pairs(20), "two") is first, "only log-probabilities differ"
    assert listings.of(pairs(20).iloc[::-1], "three") is not first, "the order of rows differs"
    assert listings.of(pairs(20, items=61), "four") is not first
    assert listings.of(pairs(3), "five") is first, "what came between is remembered beside it"


def test_listings_of_many_combinations_are_forgotten():
    listings = Listings(MEASURED, NO_REFERENCE)
    first = listings.of(pairs(1, items=2), "first")
    for items in range(3, 80):
        listings.of(pairs(1, items=items), "other")
    assert len(listings._recent) < 77
    assert listings.of(pairs(1, items=2), "first") is not first


def test_listings_of_large_benchmarks_are_forgotten_but_for_the_last(monkeypatch):
    monkeypatch.setattr(listed, "_ROWS_AT_ONCE", 300)  # rows; the pairs of sixty items in two languages have 240
    listings = Listings(MEASURED, NO_REFERENCE)
    first = listings.of(pairs(1), "first")
    assert listings.of(pairs(2), "second") is first
    last = listings.of(pairs(1, items=61), "other")
    assert list(listings._recent) == [last]
    larger = listings.of(pairs(1, items=90), "larger than all that may be remembered")
    assert listings.of(pairs(2, items=90), "again") is larger


def test_rows_that_repeat_are_refused_with_the_name_of_the_table():
    with pytest.raises(
        GrowmergeError, match=r"^the scores of x: 2 rows repeat a benchmark, language, item and candidate"
    ):
        Listings(MEASURED, NO_REFERENCE).of(pd.concat([pairs(1), pairs(1).head(2)]), "the scores of x")


def test_a_model_has_the_same_rows_alone_and_among_others():
    scores = {"a": pairs(10), "b": text(2.0), "c": pairs(30), "d": pd.concat([text(1.0), pairs(5, items=30)])}
    models = {name: Model(name, "base", (), 1) for name in scores}
    together = summarise(scores, list(models.values()), NO_REFERENCE, 200, 7, measured=MEASURED).dropna(subset="value")
    for name, model in models.items():
        alone = summarise({name: scores[name]}, [model], NO_REFERENCE, 200, 7, measured=MEASURED)
        pd.testing.assert_frame_equal(together[together["id"] == name].reset_index(drop=True), alone)


def test_resamples_that_are_kept_are_those_that_would_be_drawn_again(monkeypatch):
    values = np.random.default_rng(1).normal(size=50)
    found = [statistics.bootstrap_mean(values, 300, seed) for seed in (1, 2, 1)]
    assert found[0] == found[2] != found[1]
    rng = np.random.default_rng(1)
    means = values[rng.integers(50, size=(300, 50))].mean(axis=1)
    assert found[0][1:] == tuple(np.percentile(means, statistics.PERCENTILES))
    monkeypatch.setattr(statistics, "DRAWS_PER_BLOCK", 50 * 300 - 1)  # too many to keep: drawn in blocks
    statistics._draws_of_seed.cache_clear()
    assert statistics.bootstrap_mean(values, 300, 1) == found[0]
    assert not statistics._draws_of_seed.cache_info().currsize
