"""Documents of a corpus come from all of its sources, and a source that is not there is said."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from growmerge.config.corpora import FileSource, HubSource, StandardLibrarySource
from growmerge.data.corpus import read_sources
from growmerge.errors import GrowmergeError


@pytest.fixture
def folder(tmp_path):
    """A dataset in the hub's layout: two Parquet files of the split train."""
    rows = [{"id": f"<urn:{i}>", "text": f"Text number {i}", "url": "x"} for i in range(10)]
    for part in (0, 1):
        pq.write_table(pa.Table.from_pylist(rows[part * 5 :][:5]), tmp_path / f"train-0000{part}-of-00002.parquet")
    return tmp_path


def hub(folder, **more):
    return HubSource(kind="hub", dataset=str(folder), **more)


def test_a_dataset_in_the_layout_of_the_hub_is_streamed(folder):
    documents = list(read_sources([hub(folder)], {}))
    assert [(d.id, d.text) for d in documents] == [(f"<urn:{i}>", f"Text number {i}") for i in range(10)]


def test_rows_without_an_id_are_numbered(folder):
    assert [d.id for d in read_sources([hub(folder, id_field=None)], {})] == [str(i) for i in range(10)]


def test_a_field_that_is_not_there_is_named_with_those_that_are(folder):
    with pytest.raises(GrowmergeError, match=r"no field 'content'; it has id, text, url"):
        list(read_sources([hub(folder, text_field="content")], {}))


def test_a_dataset_that_cannot_be_had_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("datasets.config.HF_HUB_OFFLINE", True)
    with pytest.raises(
        GrowmergeError, match=r"hub dataset 'nobody/nothing': cannot be read: .* point the source at local"
    ):
        list(read_sources([HubSource(kind="hub", dataset="nobody/nothing")], {}))


def test_sources_follow_one_another(tmp_path):
    (tmp_path / "a b.jsonl").write_text(json.dumps({"text": "Ett dokument."}) + "\n", encoding="utf-8")
    sources = [
        FileSource(kind="files", paths=[f"{tmp_path}/*.jsonl"]),
        StandardLibrarySource(kind="python", part="code", max_bytes=20_000),
    ]
    documents = list(read_sources(sources, {}))
    assert documents[0].text == "Ett dokument."
    assert documents[1].id.endswith(".py")


def test_a_path_that_matches_nothing_is_named(tmp_path):
    with pytest.raises(GrowmergeError, match=r"sources.paths = .*absent.*: no such file"):
        FileSource(kind="files", paths=[f"{tmp_path}/absent/*.txt"]).files()
