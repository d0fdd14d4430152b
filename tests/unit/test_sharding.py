"""Shards share a corpus out: everything is in exactly one of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from growmerge.errors import GrowmergeError
from growmerge.study.sharding import Shard


def shards(count):
    return [Shard.parse(f"{number + 1}-of-{count}") for number in range(count)]


@given(st.integers(1, 9), st.integers(0, 40))
def test_every_file_is_dealt_to_one_shard_in_order_and_fairly(count, more):
    files = list(range(count + more))
    dealt = [shard.deal(files, "web", "paths") for shard in shards(count)]
    assert [file for piece in dealt for file in piece] == files
    assert max(map(len, dealt)) - min(map(len, dealt)) <= 1


@given(st.text(), st.integers(1, 9))
def test_every_id_is_held_by_one_shard(identifier, count):
    assert [shard.holds(identifier) for shard in shards(count)].count(True) == 1


def test_ids_spread_evenly():
    held = [sum(shard.holds(str(i)) for i in range(4000)) for shard in shards(4)]
    assert all(850 < count < 1150 for count in held)


def test_fewer_files_than_shards_name_the_key_and_the_number_of_files():
    with pytest.raises(GrowmergeError, match=r"^corpora\.web\.shards = 3: paths a has 2 files, .* at most 2$"):
        Shard.parse("1-of-3").deal(["a", "b"], "web", "paths a")


@pytest.mark.parametrize("name", ["0-of-2", "3-of-2"])
def test_a_shard_that_there_cannot_be_is_refused(name):
    with pytest.raises(GrowmergeError, match=f"shard {name}: .* 1-of-2 to 2-of-2"):
        Shard.parse(name)


def test_a_shard_is_written_as_it_is_read():
    assert str(Shard.parse("2-of-8")) == "2-of-8"
