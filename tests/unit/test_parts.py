"""Parts of a corpus are chosen by a hash of the id, or by published lists of ids."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import ROOT

from growmerge.config import validate
from growmerge.config.corpora import FileSource, HubSource
from growmerge.config.load import merge_mappings, read_yaml
from growmerge.data.parts import IDS, PartIds, Parts, read_ids, write_ids
from growmerge.errors import GrowmergeError
from growmerge.hashing import is_heldout

PARTS = [{"name": "a", "share": 0.8}, {"name": "b", "share": 0.2}]
UUIDS = [f"<urn:uuid:{i:032x}>" for i in range(1000)]


def members(parts, name, ids):
    return [identifier for identifier in ids if parts.holds(name, identifier)]


def listed(folder, **lists):
    """`Parts` of a corpus whose parts have these lists; those with None have none."""
    paths = {}
    for name, ids in lists.items():
        if ids is not None:
            (folder / name).mkdir()
            paths[name] = folder / name / IDS
            write_ids(ids, paths[name])
    return Parts([{"name": name} for name in lists], paths)


def test_parts_are_disjoint_complete_and_of_their_size():
    a, b = (members(Parts(PARTS), name, map(str, range(5000))) for name in "ab")
    assert sorted(a + b) == sorted(map(str, range(5000)))
    assert 0.17 < len(b) / 5000 < 0.23


def test_a_corpus_without_parts_is_one_itself():
    assert Parts([]).holds("whole", "x")


def test_parts_do_not_follow_the_hold_out():
    heldout = [identifier for identifier in map(str, range(5000)) if is_heldout(identifier, 0.2)]
    assert 0.1 < len(members(Parts(PARTS), "b", heldout)) / len(heldout) < 0.3


def test_a_part_with_a_list_has_what_is_on_it_and_the_other_the_rest(tmp_path):
    parts = listed(tmp_path, eng80=None, eng20=UUIDS[:200])
    assert members(parts, "eng20", UUIDS) == UUIDS[:200]
    assert members(parts, "eng80", UUIDS) == UUIDS[200:]


def test_where_all_parts_have_lists_what_is_on_none_is_in_none(tmp_path):
    parts = listed(tmp_path, eng80=UUIDS[:800], eng20=UUIDS[800:900])
    assert members(parts, "eng80", UUIDS) == UUIDS[:800]
    assert members(parts, "eng20", UUIDS) == UUIDS[800:900]


def test_a_document_on_two_lists_is_named(tmp_path):
    parts = listed(tmp_path, eng80=UUIDS[:800], eng20=UUIDS[799:])
    assert parts.holds("eng80", UUIDS[798])
    with pytest.raises(GrowmergeError, match=f"parts eng80 and eng20: document '{UUIDS[799]}' is in the `ids` of both"):
        parts.holds("eng80", UUIDS[799])


def test_lists_are_sorted_mapped_into_memory_and_count_repetitions(tmp_path):
    assert write_ids(iter(UUIDS + UUIDS[:3]), tmp_path / IDS) == {"listed": 1003, "repeated": 3}
    array = np.load(tmp_path / IDS, mmap_mode="r")
    assert array.dtype == np.uint64
    assert (np.diff(array) > 0).all()
    ids = PartIds(tmp_path / IDS)
    assert all(identifier in ids for identifier in UUIDS)
    assert not any(f"x{identifier}" in ids for identifier in UUIDS)


def test_an_empty_list_holds_nothing(tmp_path):
    assert write_ids([], tmp_path / IDS) == {"listed": 0, "repeated": 0}
    assert "x" not in PartIds(tmp_path / IDS)


def test_ids_are_read_from_files_and_from_datasets(tmp_path):
    (tmp_path / "a.jsonl").write_text("\n".join(json.dumps({"uuid": x}) for x in UUIDS[:3]))
    assert list(read_ids(FileSource(kind="files", paths=[f"{tmp_path}/*.jsonl"], id_field="uuid"))) == UUIDS[:3]
    (tmp_path / "split").mkdir()
    for number in range(2):
        rows = [{"uuid": x} for x in UUIDS[number * 2 :][:2]]
        pq.write_table(pa.Table.from_pylist(rows), tmp_path / f"split/eng20-{number}.parquet")
    hub = HubSource(kind="hub", dataset=str(tmp_path / "split"), id_field="uuid")
    assert list(read_ids(hub)) == UUIDS[:4]
    with pytest.raises(GrowmergeError, match="no field 'id'; it has uuid"):
        list(read_ids(HubSource(kind="hub", dataset=str(tmp_path / "split"))))


def test_a_place_does_not_move_when_documents_are_added():
    few, many = [str(i) for i in range(100)], [str(i) for i in range(1000)]
    parts = Parts(PARTS)
    assert members(parts, "b", few) == [i for i in members(parts, "b", many) if i in few]


# --- what the configuration may say -----------------------------------------------------------------------------------

IDS_SOURCE = {"kind": "files", "paths": ["x.jsonl"], "id_field": "uuid"}
SHARES = {"eng80": 0.8, "eng20": 0.2}


def study(shares, **ids):
    """The miniature with these parts of its English, of which some have ids."""
    data = merge_mappings(*(read_yaml(ROOT / "config" / name) for name in ("config.yaml", "miniature.yaml")))
    parts = [{"name": name, "share": share, "ids": ids.get(name)} for name, share in shares.items()]
    corpora = [corpus | {"parts": parts} if corpus["name"] == "eng" else corpus for corpus in data["corpora"]]
    return validate(data | {"corpora": corpora})


def test_one_part_may_have_no_ids():
    assert study(SHARES, eng20=IDS_SOURCE).corpus("eng20").parts[1].ids.id_field == "uuid"
    assert study(SHARES, eng20=IDS_SOURCE, eng80=IDS_SOURCE)


@pytest.mark.parametrize(
    ("shares", "ids", "message"),
    [
        (
            {"eng80": 0.5, "eng20": 0.2, "more": 0.3},
            {"more": IDS_SOURCE},
            r"parts = 2: only one part can be without `ids`, to take all other documents; eng80 and eng20 are",
        ),
        (
            SHARES,
            {"eng20": {"kind": "files", "paths": ["x"]}},
            r"parts\.1\.ids\.id_field: is missing; name the field that holds the ids",
        ),
        (
            {"eng80": 1.0},
            {"eng80": IDS_SOURCE},
            r"parts\.0 = 'eng80': is the only part and has `ids`; add a part without `ids`",
        ),
        (SHARES | {"eng20": 0.3}, {"eng20": IDS_SOURCE}, r"parts = 1\.1: the shares of the parts do not add up to 1"),
    ],
)
def test_lists_that_make_no_sense_are_refused(shares, ids, message):
    with pytest.raises(GrowmergeError, match=rf"corpora\.1\.{message}"):
        study(shares, **ids)
