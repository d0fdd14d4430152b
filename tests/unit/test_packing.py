"""Rows hold each common beginning once, and every token sees its own sequence and nothing else."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from growmerge.evaluation.packing import batches, pack, visibility

sequence = st.lists(st.integers(0, 2), min_size=1, max_size=8).map(tuple)
many = st.lists(sequence, min_size=1, max_size=30).map(sorted)


@given(many, st.integers(0, 40), st.integers(0, 200))
def test_every_sequence_can_be_read_along_its_path(sequences, widest, balance):
    found = {}
    for row in pack(sequences, widest, balance):
        assert len(row) <= max(widest, *(len(path) for path in row.paths.values()))
        for number, path in row.paths.items():
            found[number] = tuple(row.tokens[slot] for slot in path)
        assert row.branches == any(path.tolist() != list(range(len(path))) for path in row.paths.values())
        assert not (row.branches and widest == 0)
    assert [found[number] for number in range(len(sequences))] == sequences


@given(many, st.integers(0, 200))
def test_a_slot_sees_exactly_what_stands_before_it_in_its_sequence_and_has_its_place_there(sequences, balance):
    rows = sorted(pack(sequences, 100, balance), key=len, reverse=True)
    positions, sees = visibility(rows, len(rows[0]))
    for number, row in enumerate(rows):
        for path in row.paths.values():
            for place, slot in enumerate(path):
                assert positions[number, slot] == place
                assert np.flatnonzero(sees[number, slot]).tolist() == path[: place + 1].tolist()
        assert not sees[number, len(row) :].any(), "padding sees nothing"


def test_where_slots_cost_much_one_row_holds_the_whole_tree():
    sequences = sorted([(1, 2, 3), (1, 2, 4), (1, 5), (1, 2, 3, 6)])
    (row,) = pack(sequences, 100, balance=1000)
    assert len(row) == len({s[:n] for s in sequences for n in range(1, len(s) + 1)})


def test_where_attention_costs_all_sequences_stay_apart_unless_they_are_mostly_the_same():
    long = tuple(range(20))
    assert len(pack([(0, 1, 2, 3), (0, 5, 6, 7)], 100, balance=0)) == 2
    assert len(pack([(*long, 1), (*long, 2)], 100, balance=0)) == 1


def test_what_goes_on_where_another_ends_shares_its_row_whatever_that_costs():
    pair, longer, branch = [(1, 2, 3)] * 2, (1, 2, 3, 4, 5), (1, 2, 3, 6)
    assert [len(row.paths) for row in pack([*pair, longer, branch], 0, balance=0)] == [3, 1]


def test_sequences_that_begin_differently_share_nothing():
    assert [len(row.paths) for row in pack([(1, 2), (2, 2)], 100, 10**6)] == [1, 1]


@given(many, st.integers(1, 60))
def test_batches_hold_every_row_once_and_no_more_slots_than_they_may(sequences, slots):
    rows = pack(sequences, 20, 30)
    cut = list(batches(rows, slots))
    assert sorted(map(id, rows)) == sorted(id(row) for batch in cut for row in batch)
    for batch in cut:
        assert len(batch) == 1 or len(batch) * max(map(len, batch)) <= slots
        assert len({row.branches for row in batch}) == 1
        assert len(batch[0]) == max(map(len, batch))


def test_slots_are_counted_with_padding():
    rows = pack([(1,) * 6, (2,) * 2, (3,) * 2], 20, 0)
    assert [len(batch) for batch in batches(rows, 12)] == [2, 1]
