"""The order of training is a permutation, the same for a seed, with the epochs and shares that were asked for."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from growmerge.data.mixture import Mixture, permuted
from growmerge.errors import GrowmergeError
from growmerge.study.phases import Component, Phase, phases_of, replay_scale
from growmerge.study.recipe import Adaptation, Replay, Text


@given(st.integers(1, 3000), st.text(max_size=8))
def test_the_permutation_is_one(size, key):
    assert sorted(permuted(np.arange(size), size, key)) == list(range(size))


def test_the_permutation_mixes_and_depends_on_its_key():
    size = 10_000
    one, other = (permuted(np.arange(size), size, key) for key in "ab")
    assert (one == other).mean() < 0.01
    assert abs(np.corrcoef(one, np.arange(size))[0, 1]) < 0.05
    assert abs(np.corrcoef(one[:-1], one[1:])[0, 1]) < 0.05


def everything(mixture):
    """Of a mixture whose batch is one sequence: nothing is filled up."""
    return [mixture.at(position) for position in range(mixture.steps)]


def test_every_epoch_passes_through_everything_once_in_an_order_of_its_own():
    mixture = Mixture([Phase((Component("a", 2.0), Component("b", 2.0)))], {"a": 50, "b": 30}, seed=1, batch=1)
    order = everything(mixture)
    first, second = order[:80], order[80:]
    assert Counter(first) == Counter(second) == Counter([("a", i) for i in range(50)] + [("b", i) for i in range(30)])
    assert first != second
    assert {corpus for corpus, _ in first[:20]} == {"a", "b"}, "components are shuffled together"


def test_a_share_is_the_same_sequences_in_every_epoch_and_run():
    sizes = {"a": 100, "swe": 10, "isl": 10}
    small = Mixture([Phase((Component("isl", 2), Component("a", 2, 0.1)))], sizes, seed=3, batch=1)
    large = Mixture([Phase((Component("swe", 1), Component("a", 1, 0.3)))], sizes, seed=3, batch=1)
    drawn = [{i for c, i in everything(m) if c == "a"} for m in (small, large)]
    assert (len(drawn[0]), len(drawn[1])) == (10, 30)
    assert drawn[0] < drawn[1], "a smaller share of the replay is a part of the larger"
    assert Counter(i for c, i in everything(small) if c == "a") == {i: 2 for i in drawn[0]}


def test_part_of_an_epoch_draws_part_of_the_sequences():
    mixture = Mixture([Phase((Component("a", 2.5),))], {"a": 40}, seed=0, batch=1)
    assert mixture.counts() == {"a": 100}
    assert max(Counter(everything(mixture)).values()) == 3
    assert len(set(everything(mixture)[80:])) == 20


def test_shuffled_once_no_component_is_over_before_the_end():
    """Epoch by epoch, a multilingual model would end on the language with the most epochs and forget the others."""
    components = (Component("swe", 1), Component("isl", 5))
    order = everything(Mixture([Phase(components, shuffled_once=True)], {"swe": 200, "isl": 40}, seed=0, batch=1))
    assert Counter(order) == Counter([("swe", i) for i in range(200)] + [("isl", i) for i in range(40)] * 5)
    for quarter in range(4):
        share = sum(corpus == "swe" for corpus, _ in order[quarter * 100 : (quarter + 1) * 100])
        assert 35 <= share <= 65


def test_phases_follow_one_another():
    phases = [Phase((Component("code", 2),)), Phase((Component("code"), Component("eng")))]
    mixture = Mixture(phases, {"code": 5, "eng": 20}, seed=0, batch=1)
    order = [corpus for corpus, _ in everything(mixture)]
    assert order[:10] == ["code"] * 10
    assert Counter(order[10:]) == {"code": 5, "eng": 20}


@given(st.integers(0, 2**32), st.integers(1, 40), st.integers(1, 40), st.booleans())
def test_order_is_a_function_of_the_seed(seed, a, b, once):
    def build(seed):
        return everything(Mixture([Phase((Component("a", 1.5), Component("b")), once)], {"a": a, "b": b}, seed, 1))

    assert build(seed) == build(seed)


def test_other_seeds_give_other_orders():
    orders = {tuple(everything(Mixture([Phase((Component("a"),))], {"a": 50}, seed, 1))) for seed in range(5)}
    assert len(orders) == 5


def test_a_component_without_a_sequence_is_refused():
    less = r"corpus 'a': 0.01 of its 20 sequences is less than one; give it a larger share in `replay`"
    with pytest.raises(GrowmergeError, match=less):
        Mixture([Phase((Component("a", 1, 0.01),))], {"a": 20}, 0, 1)


@given(st.integers(1, 60), st.integers(1, 60), st.integers(1, 25), st.floats(0.3, 3.5))
def test_the_last_step_of_an_epoch_is_filled_up_with_its_first_sequences(a, b, batch, epochs):
    phases = [Phase((Component("a", epochs),)), Phase((Component("b"),))]
    if round(a * min(1.0, epochs)) == 0:
        return
    sizes = {"a": a, "b": b}
    filled, plain = Mixture(phases, sizes, 7, batch), Mixture(phases, sizes, 7, 1)
    whole, part = int(epochs), round(a * (epochs - int(epochs)))
    assert filled.counts() == plain.counts()
    assert filled.steps == whole * -(-a // batch) + -(-part // batch) + -(-b // batch)
    positions = [filled.at(position) for position in range(filled.steps * batch)]
    order = everything(plain)
    for size in [a] * whole + [part] * (part > 0) + [b]:
        steps, block = -(-size // batch), order[:size]
        taken, positions = positions[: steps * batch], positions[steps * batch :]
        order = order[size:]
        assert taken == (block * (steps * batch))[: steps * batch]
    assert not positions


SWEDISH, ICELANDIC = Text("swe", "swe", 1.0, None), Text("isl", "isl", 6.0, None)
REPLAY = Replay("swe", {"eng80": 0.01, "code": 0.05}, whole_percent=False)


def test_replay_is_scaled_by_documents_as_in_the_paper():
    """Section 3.1: Swedish replays 1 % of English and 5 % of code, Icelandic (3.01M of 59.5M documents) 5 % of that."""
    (phase,) = phases_of(Adaptation([SWEDISH, ICELANDIC], REPLAY), {"swe": 59_500_000, "isl": 3_010_000})
    shares = {(c.corpus, c.epochs): c.share for c in phase.components}
    assert shares[("eng80", 1.0)] == 0.01
    assert shares[("code", 1.0)] == 0.05
    assert shares[("eng80", 6.0)] == pytest.approx(0.01 * 0.0506, rel=1e-3)
    assert [c.corpus for c in phase.components] == ["swe", "eng80", "code", "isl", "eng80", "code"]
    assert phase.shuffled_once


def test_replay_that_deviates_from_the_rule_can_be_set():
    data = Adaptation([replace(ICELANDIC, replay=0.01)], REPLAY)
    (phase,) = phases_of(data, {"swe": 59_500_000, "isl": 291_000})
    assert not phase.shuffled_once
    assert phase.components[1].share == pytest.approx(0.01 * 0.01)


@pytest.mark.parametrize(
    ("documents", "published"), [(58_843_652, 0.99), (10_218_587, 0.17), (3_014_429, 0.05), (291_151, 0.01)]
)
def test_replay_in_whole_percent_is_what_was_published(documents, published):
    """Persian, Estonian, Icelandic, Faroese: the documents of table 1 against the published samples."""
    assert replay_scale(documents / 59_485_306, whole_percent=True) == published


def test_no_language_replays_more_than_the_reference():
    assert replay_scale(1.7, whole_percent=False) == replay_scale(1.7, whole_percent=True) == 1.0
