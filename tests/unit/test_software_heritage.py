"""Files of the Software Heritage archive are fetched by their ids: verified, bounded, resumed; what is lost is counted.

The bucket is a server on this machine; the list of ids is a dataset with the columns of Python-Edu.
"""

import gzip
import json
import threading
import zlib
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from archive_server import ArchiveServer, sha1

from growmerge.artifacts import read_manifest
from growmerge.config import validate
from growmerge.config.corpora import ArchiveSource, Corpus
from growmerge.config.load import read_yaml
from growmerge.data import archive, software_heritage
from growmerge.data.corpus import DOCUMENTS, publish_documents
from growmerge.data.documents import read_documents
from growmerge.data.software_heritage import Fetched, read_archive
from growmerge.errors import GrowmergeError
from growmerge.study.grid import Grid
from growmerge.study.layout import Layout
from growmerge.study.sharding import Shard

CONFIG = Path(__file__).parents[2] / "config/config.yaml"
CONTENTS = [f"def f_{i}():\n    return {i}\n".encode() for i in range(40)]
ABSENT = b"was never archived"


@pytest.fixture(autouse=True)
def no_long_waits(monkeypatch):
    monkeypatch.setattr(archive, "FIRST_DELAY", 0.001)


@pytest.fixture
def server():
    with ArchiveServer(CONTENTS) as server:
        yield server


def source(tmp_path, server, contents=CONTENTS, **more):
    """A source whose ids are those of `contents`, in two files."""
    folder = tmp_path / "python-edu"
    folder.mkdir(exist_ok=True)
    rows = [{"blob_id": sha1(content), "path": f"/{i}.py", "int_score": 4} for i, content in enumerate(contents)]
    half = (len(rows) + 1) // 2
    for number, piece in enumerate([rows[:half], rows[half:]]):
        pq.write_table(pa.Table.from_pylist(piece or rows), folder / f"train-{number:05d}-of-00002.parquet")
    ids = {"kind": "hub", "dataset": str(folder), "id_field": "blob_id"}
    given = {"kind": "software_heritage", "ids": ids, "url": server.address, "at_once": 4} | more
    return ArchiveSource.model_validate(given)


def read(tmp_path, chosen, shard="1-of-1"):
    fetched = Fetched(tmp_path / "work")
    return list(read_archive(chosen, "code", Shard.parse(shard), fetched)), fetched.outcomes


def test_files_are_fetched_in_the_order_of_the_list(tmp_path, server):
    documents, outcomes = read(tmp_path, source(tmp_path, server))
    assert [(d.id, d.text) for d in documents] == [(sha1(c), c.decode()) for c in CONTENTS]
    assert outcomes == {"fetched": len(CONTENTS)}


@pytest.mark.parametrize("count", [2, 3])
def test_shards_share_out_the_files_though_the_list_has_fewer_files(tmp_path, server, count):
    chosen = source(tmp_path, server)
    pieces = [read(tmp_path / str(i), chosen, f"{i + 1}-of-{count}")[0] for i in range(count)]
    assert all(pieces)
    assert sorted(d.id for piece in pieces for d in piece) == sorted(map(sha1, CONTENTS))
    assert set(server.requests.values()) == {1}


def test_ids_can_come_from_local_files_and_get_a_prefix(tmp_path, server):
    listed = tmp_path / "ids.jsonl"
    listed.write_text("\n".join(json.dumps({"sha1": sha1(content)}) for content in CONTENTS))
    ids = {"kind": "files", "paths": [str(listed)], "id_field": "sha1", "id_prefix": "swh:"}
    documents, _ = read(tmp_path, source(tmp_path, server, ids=ids))
    assert [d.id for d in documents] == [f"swh:{sha1(content)}" for content in CONTENTS]


def test_no_more_requests_are_made_at_a_time_than_stated(tmp_path, server):
    server.delay = 0.02
    read(tmp_path, source(tmp_path, server, at_once=3))
    assert server.most == 3


def test_what_fails_once_is_requested_again(tmp_path, server):
    ids = list(map(sha1, CONTENTS))
    other = gzip.compress(b"of another file")
    server.faults = {ids[0]: [503, 500], ids[1]: [429], ids[2]: [b"no gzip"], ids[3]: [other], ids[4]: [other[:-9]]}
    documents, outcomes = read(tmp_path, source(tmp_path, server, missing=0))
    assert [d.text for d in documents] == [content.decode() for content in CONTENTS]
    assert outcomes == {"fetched": len(CONTENTS)}
    assert [server.requests[identifier] for identifier in ids[:6]] == [3, 2, 2, 2, 2, 1]


@pytest.mark.parametrize("status", [404, 403])
def test_what_is_not_there_is_left_out_and_counted(tmp_path, server, status):
    server.absent = status
    documents, outcomes = read(tmp_path, source(tmp_path, server, [ABSENT, *CONTENTS], missing=0.03))
    assert [d.id for d in documents] == list(map(sha1, CONTENTS))
    assert outcomes == {"missing": 1, "fetched": len(CONTENTS)}


def test_a_file_that_is_damaged_for_good_is_left_out_and_counted(tmp_path, server):
    server.bodies[sha1(CONTENTS[7])] = gzip.compress(b"replaced")
    documents, outcomes = read(tmp_path, source(tmp_path, server, missing=0.03))
    assert sha1(CONTENTS[7]) not in [d.id for d in documents]
    assert outcomes == {"damaged": 1, "fetched": len(CONTENTS) - 1}


def test_more_missing_files_than_allowed_are_one_line(tmp_path, server):
    gone = [f"gone {i}".encode() for i in range(3)]
    message = (
        r"^corpora\.code, shard 1-of-1: 2 missing among the first 2 of 43 files from http://127\..*/content, more than "
        r"`missing: 0\.04` allows; "
    )
    with pytest.raises(GrowmergeError, match=message):
        read(tmp_path, source(tmp_path, server, [*gone, *CONTENTS], missing=0.04))


def test_a_gzip_bomb_is_unpacked_no_further_than_the_bound(tmp_path, server, monkeypatch):
    bomb = bytes(50_000_000)
    server.bodies[sha1(bomb)] = gzip.compress(bomb)
    most = []
    decompress = zlib.decompressobj

    class Counting:
        def __init__(self, wbits):
            self._unpacker = decompress(wbits)
            self.eof = False

        def decompress(self, piece, length):
            content = self._unpacker.decompress(piece, length)
            most.append(len(content))
            self.eof = self._unpacker.eof
            return content

    monkeypatch.setattr(archive.zlib, "decompressobj", Counting)
    documents, outcomes = read(tmp_path, source(tmp_path, server, [bomb, *CONTENTS], missing=0.03))
    assert outcomes == {"too_long": 1, "fetched": len(CONTENTS)}
    assert len(documents) == len(CONTENTS)
    assert sum(most) < archive.MOST_BYTES + 10_000


def test_a_gzip_without_end_and_content_is_read_no_further_than_the_bound(monkeypatch):
    monkeypatch.setattr(archive, "MOST_BYTES", 1000)
    header = b"\x1f\x8b\x08\x08" + bytes(6)  # a file name follows, until the first zero
    pieces = iter([header, *[b"x" * 100] * 100])
    assert archive.unpacked(pieces) is None
    assert len(list(pieces)) > 80


def test_an_archive_that_does_not_answer_is_one_line(tmp_path, server):
    server.faults = {sha1(CONTENTS[5]): [503] * archive.ATTEMPTS}
    with pytest.raises(
        GrowmergeError, match=rf"{sha1(CONTENTS[5])}: cannot be fetched \(HTTP status 503\); check the n"
    ):
        read(tmp_path, source(tmp_path, server))
    assert server.requests[sha1(CONTENTS[5])] == archive.ATTEMPTS
    with pytest.raises(GrowmergeError, match=r"cannot be fetched \(.*refused.*\); check the network"):
        read(tmp_path, source(tmp_path, server, url="http://127.0.0.1:9/content"))


def test_an_address_that_is_no_archive_is_one_line(tmp_path, server):
    server.faults = {sha1(CONTENTS[0]): [301]}
    with pytest.raises(GrowmergeError, match="HTTP status 301; see that `url`"):
        read(tmp_path, source(tmp_path, server))
    with pytest.raises(GrowmergeError, match=r"^http://archive:port/content/.*; see that `url`"):
        read(tmp_path, source(tmp_path, server, url="http://archive:port/content"))


def test_a_configuration_says_which_field_has_the_ids_and_its_lists_are_inputs_of_every_shard(tmp_path):
    (tmp_path / "ids.jsonl").write_text(json.dumps({"blob_id": sha1(b"x")}))
    config = read_yaml(CONFIG)
    ids = {"kind": "files", "paths": [str(tmp_path / "*.jsonl")], "id_field": None}
    config["corpora"][0]["sources"] = [{"kind": "software_heritage", "ids": ids}]
    with pytest.raises(
        GrowmergeError, match=r"corpora\.0\.sources\.0\.ids\.id_field.*is missing; name the field that h"
    ):
        validate(config)
    ids["id_field"] = "blob_id"
    study = validate(config)
    layout = Layout(study, Grid(study))
    assert layout.files_of("code", "3-of-8") == [str(tmp_path / "ids.jsonl")]
    ids["paths"] = [str(tmp_path / "none.jsonl")]
    with pytest.raises(GrowmergeError, match="no such file"):
        Layout(validate(config), Grid(study)).check_sources()


def test_a_list_of_other_ids_is_refused_before_any_request(tmp_path, server):
    folder = source(tmp_path, server).ids.dataset
    chosen = source(tmp_path, server, ids={"kind": "hub", "dataset": folder, "id_field": "path"})
    with pytest.raises(GrowmergeError, match=r"file 1, row 1: '/0\.py' is no SHA-1 of 40 hexadecimal digits; set `ids"):
        read(tmp_path, chosen)
    assert not server.requests


def test_an_encoding_is_that_of_its_row(tmp_path):
    texts = {"UTF-8": "þ", "ISO-8859-1": "é", "UTF-16": "ş", None: "ð", "klingon": "q", "zlib_codec": "z"}
    contents = {
        name: text.encode(name if name in ("ISO-8859-1", "UTF-16") else "utf-8") for name, text in texts.items()
    }
    rows = [{"blob_id": sha1(contents[name]), "src_encoding": name} for name in texts]
    listed = tmp_path / "ids.parquet"
    pq.write_table(pa.Table.from_pylist(rows), listed)
    with ArchiveServer([*contents.values(), b"a\xffb"]) as server:
        ids = {"kind": "files", "paths": [str(listed)], "id_field": "blob_id"}
        chosen = source(tmp_path, server, ids=ids, encoding_field="src_encoding", missing=0.5)
        documents, outcomes = read(tmp_path, chosen)
        assert [d.text for d in documents] == ["þ", "é", "ş", "ð"]
        assert outcomes == {"fetched": 4, "unknown_encoding": 2}
        documents, _ = read(tmp_path, source(tmp_path, server, [b"a\xffb"]))
        assert documents[0].text == "ab", "as the dataset's card reads it"


class _Interruption(Exception):
    pass


def test_an_interrupted_shard_goes_on_where_it_ended(tmp_path, server, monkeypatch):
    monkeypatch.setattr(software_heritage, "_PIECE_ROWS", 4)
    chosen = source(tmp_path, server, [ABSENT, *CONTENTS], missing=0.03)
    documents = read_archive(chosen, "code", Shard(), Fetched(tmp_path / "work"))
    begun = [next(documents) for _ in range(18)]
    with pytest.raises(_Interruption):
        documents.throw(_Interruption)
    first = server.requests.copy()
    assert len(first) < len(CONTENTS), "it was interrupted in the middle"
    resumed, outcomes = read(tmp_path, chosen)
    assert resumed[:18] == begun
    assert [d.id for d in resumed] == list(map(sha1, CONTENTS))
    assert outcomes == {"missing": 1, "fetched": len(CONTENTS)}
    again = {name for name, count in server.requests.items() if name in first and count > first[name]}
    kept = [ABSENT, *CONTENTS][:16]  # four whole pieces
    assert again & set(map(sha1, kept)) == {sha1(ABSENT)}, "only what could not be had is requested again"


def test_of_damaged_pieces_and_of_another_list_nothing_is_taken(tmp_path, server, monkeypatch):
    monkeypatch.setattr(software_heritage, "_PIECE_ROWS", 4)
    whole, _ = read(tmp_path, source(tmp_path, server))
    pieces = sorted((tmp_path / "work").rglob("*.parquet"))
    assert len(pieces) == len(CONTENTS) / 4
    pieces[3].write_bytes(b"")
    assert read(tmp_path, source(tmp_path, server))[0] == whole
    assert [server.requests[sha1(c)] for c in CONTENTS] == [1] * 12 + [2] * 28
    changed, _ = read(tmp_path, source(tmp_path, server, CONTENTS[::-1]))
    assert changed == whole[::-1]


def test_threads_end_with_the_shard(tmp_path, server):
    before = threading.active_count()
    documents = read_archive(source(tmp_path, server), "code", Shard(), Fetched(tmp_path / "work"))
    next(documents)
    documents.close()
    assert len([t for t in threading.enumerate() if t.name.startswith("ThreadPool")]) == 0
    assert threading.active_count() <= before + 8, "the rest are the server's"


def test_a_published_shard_counts_what_was_lost_and_keeps_no_pieces(tmp_path, server):
    chosen = source(tmp_path, server, [ABSENT, *CONTENTS], missing=0.03)
    corpus = Corpus(name="code", sources=[chosen])
    work, folder = tmp_path / "work", tmp_path / "code" / "1-of-1"
    publish_documents(folder, corpus, Shard(), packages=[], files=[], work=work)
    manifest = read_manifest(folder)
    assert manifest.facts["archive"] == {"missing": 1, "fetched": len(CONTENTS)}
    assert manifest.facts["kept"]["documents"] == len(CONTENTS)
    assert len(read_documents(folder / DOCUMENTS)) == len(CONTENTS)
    assert not work.exists()
    assert {"url", "missing", "at_once"}.isdisjoint(manifest.config["sources"][0]), "no text depends on them"
