"""Datasets in the hub's layout are streamed file by file; one that cannot be had, or has other fields, says what to do.

The copies are local and have the schemas of the datasets on the hub. What the hub answers comes from a server here.
"""

import gzip
import json
import os
import socket
import subprocess
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from local_server import LocalServer

from growmerge.config.corpora import Corpus, HubSource
from growmerge.data.corpus import read_shard
from growmerge.data.hub import HubFiles, explained
from growmerge.errors import GrowmergeError
from growmerge.study.sharding import Shard

README = """---
configs:
- config_name: fineweb-edu-dedup
  data_files: [{split: train, path: fineweb-edu-dedup/*.parquet}]
- config_name: python-edu
  data_files: [{split: train, path: python-edu/*.parquet}]
---
A copy in the hub's layout.
"""


def fineweb_2(i):
    return {
        "text": f"Texti númer {i}", "id": f"<urn:uuid:{i}>", "dump": "CC-MAIN-2024-10", "url": "https://example.org",
        "date": "2024-02-29T00:00:00Z", "file_path": "s3://x", "language": "isl", "language_score": 0.9,
        "language_script": "Latn", "minhash_cluster_size": 3, "top_langs": "{}",
    }  # fmt: skip


def fineweb_edu(i):
    metadata = {
        "dump": "CC-MAIN-2024-10", "url": "https://example.org", "date": "2024-02-29T00:00:00Z", "file_path": "s3://x",
        "language": "en", "language_score": 0.9, "token_count": 4, "score": 3.1, "int_score": 3,
    }  # fmt: skip
    return {"text": f"Text number {i}", "id": f"<urn:uuid:{i}>", "metadata": metadata}


def python_edu(i):
    return {
        "blob_id": f"{i:040x}", "repo_name": "a/b", "path": "/c.py", "length_bytes": 99, "score": 3.7, "int_score": 4,
    }  # fmt: skip


def write_parquet(folder, rows, files):
    """The rows in so many files, as equal in size as they can be."""
    folder.mkdir(parents=True)
    for number in range(files):
        piece = rows[number * len(rows) // files : (number + 1) * len(rows) // files]
        pq.write_table(pa.Table.from_pylist(piece), folder / f"train-{number:05d}-of-{files:05d}.parquet")


@pytest.fixture
def smollm_corpus(tmp_path):
    folder = tmp_path / "smollm-corpus þ"
    write_parquet(folder / "fineweb-edu-dedup", [fineweb_edu(i) for i in range(11)], 4)
    write_parquet(folder / "python-edu", [python_edu(i) for i in range(4)], 2)
    (folder / "README.md").write_text(README, encoding="utf-8")
    return folder


def source(folder, **more):
    return HubSource(kind="hub", dataset=str(folder), **more)


def documents(chosen, shard="1-of-1"):
    corpus = Corpus(name="web", sources=[chosen])
    return list(read_shard(corpus, {}, Shard.parse(shard)))


def test_a_configuration_of_a_dataset_is_streamed_with_its_ids(smollm_corpus):
    read = documents(source(smollm_corpus, config="fineweb-edu-dedup"))
    assert [(d.id, d.text) for d in read] == [(f"<urn:uuid:{i}>", f"Text number {i}") for i in range(11)]


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_the_shards_of_a_dataset_are_the_dataset(smollm_corpus, count):
    chosen = source(smollm_corpus, config="fineweb-edu-dedup")
    pieces = [documents(chosen, f"{number + 1}-of-{count}") for number in range(count)]
    assert all(pieces)
    assert [d for piece in pieces for d in piece] == documents(chosen)


def test_more_shards_than_files_name_the_key_its_value_and_the_number_of_files(smollm_corpus):
    with pytest.raises(GrowmergeError, match=r"^corpora\.web\.shards = 5: hub dataset '.*' has 4 files"):
        documents(source(smollm_corpus, config="fineweb-edu-dedup"), "1-of-5")


@pytest.mark.parametrize("count", [1, 2, 3])
def test_rows_without_an_id_have_one_that_does_not_depend_on_the_shards(tmp_path, count):
    rows = [fineweb_2(i) | {"id": None if i % 2 else f"<urn:uuid:{i}>"} for i in range(10)]
    write_parquet(tmp_path / "fineweb-2", rows, 3)
    write_parquet(tmp_path / "again" / "fineweb-2", rows, 3)
    pieces = [documents(source(tmp_path / "fineweb-2"), f"{number + 1}-of-{count}") for number in range(count)]
    ids = [d.id for piece in pieces for d in piece]
    assert ids[:4] == ["<urn:uuid:0>", "fineweb-2/default/train/1:2", "<urn:uuid:2>", "fineweb-2/default/train/2:1"]
    assert len(set(ids)) == 10
    assert ids == [d.id for d in documents(source(tmp_path / "again" / "fineweb-2"))], "nor on where it stands"
    numbered = [d.id for d in documents(source(tmp_path / "fineweb-2", id_field=None))]
    assert numbered[2:4] == ["fineweb-2/default/train/1:3", "fineweb-2/default/train/2:1"]


def test_compressed_json_lines_are_a_dataset_too(tmp_path):
    for number in range(2):
        lines = "\n".join(json.dumps({"content": f"x = {i}", "blob_id": i}) for i in range(number * 3, number * 3 + 3))
        (tmp_path / f"{number}.jsonl.gz").write_bytes(gzip.compress(lines.encode()))
    code = source(tmp_path, text_field="content", id_field="blob_id")
    assert [(d.id, d.text) for d in documents(code, "2-of-2")] == [(str(i), f"x = {i}") for i in range(3, 6)]


@pytest.mark.parametrize("kind", ["parquet", "jsonl"])
def test_columns_that_are_not_mapped_may_differ_from_file_to_file(tmp_path, kind):
    rows = [{"id": "a", "text": "x"}, {"id": "b", "text": "y", "more": 1}, {"id": "c", "text": None, "more": "s"}]
    for number, row in enumerate(rows):
        if kind == "parquet":
            pq.write_table(pa.Table.from_pylist([row]), tmp_path / f"{number}.parquet")
        else:
            (tmp_path / f"{number}.jsonl").write_text(json.dumps(row))
    found = HubFiles(source(tmp_path)).read_documents(range(3))
    assert [(d.id, d.text) for d in found] == [("a", "x"), ("b", "y"), ("c", "")]
    assert list(HubFiles(source(tmp_path)).read_ids("id")) == ["a", "b", "c"]


def test_columns_that_only_the_later_rows_of_a_file_have_do_not_matter(tmp_path):
    """`datasets` reads JSON lines in pieces of 10 MB."""
    rows = [{"id": i, "text": "x" * 1000} | ({"more": i} if i > 11_000 else {}) for i in range(12_000)]
    (tmp_path / "0.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert len(list(HubFiles(source(tmp_path)).read_documents([0]))) == 12_000


@pytest.mark.parametrize("empty", ["file", "row group", "untyped"])
@pytest.mark.parametrize("last", [False, True])
def test_an_empty_piece_of_parquet_is_passed_over(tmp_path, empty, last):
    whole = pa.table({"id": ["a"], "text": ["x"]})
    none = pa.table({"id": pa.nulls(0), "text": pa.nulls(0)}) if empty == "untyped" else whole.slice(0, 0)
    pieces = [whole, none] if last else [none, whole]
    if empty == "row group":
        with pq.ParquetWriter(tmp_path / "0.parquet", whole.schema) as writer:
            for piece in pieces:
                writer.write_table(piece)
    else:
        for number, piece in enumerate(pieces):
            pq.write_table(piece, tmp_path / f"{number}.parquet")
    files = HubFiles(source(tmp_path))
    assert [d.id for d in files.read_documents(files.numbers)] == ["a"]


def test_a_field_that_a_later_file_lacks_is_named(tmp_path):
    for number, row in enumerate([{"id": "a", "text": "x"}, {"text": "y"}]):
        pq.write_table(pa.Table.from_pylist([row]), tmp_path / f"{number}.parquet")
    with pytest.raises(GrowmergeError, match=r"file 2 of 2: .*\(id\): this file lacks a field"):
        list(HubFiles(source(tmp_path)).read_documents(range(2)))


def test_a_field_that_json_lines_lack_is_named_with_those_that_exist(tmp_path):
    (tmp_path / "0.jsonl").write_text('{"text": "x"}\n')
    with pytest.raises(GrowmergeError, match=r"no field 'id'; it has text: set id_field"):
        list(HubFiles(source(tmp_path)).read_documents([0]))


def test_the_split_that_is_asked_for_is_read(tmp_path):
    for name, text in (("train", "x"), ("test", "y"), ("test", "z")):
        number = len(list(tmp_path.glob(f"{name}-*")))
        pq.write_table(pa.table({"id": [text], "text": [text]}), tmp_path / f"{name}-{number}.parquet")
    for split, expected in (("train", ["x"]), ("test", ["y", "z"])):
        files = HubFiles(source(tmp_path, split=split))
        assert [d.text for d in files.read_documents(files.numbers)] == expected


def test_no_more_files_are_read_than_the_source_asks_for(smollm_corpus):
    for asked, expected in ((None, 4), (3, 3), (9, 4)):
        files = HubFiles(source(smollm_corpus, config="fineweb-edu-dedup", files=asked))
        assert files.numbers == range(expected)


def test_a_fault_of_the_code_is_not_taken_for_one_of_the_dataset(tmp_path):
    with pytest.raises(RuntimeError, match=r"^a bug$"), explained(source(tmp_path)):
        raise RuntimeError("a bug")


def test_ids_get_the_prefix_of_their_source(tmp_path):
    (tmp_path / "0.jsonl").write_text('{"id": "a", "text": "x"}\n{"id": null, "text": "y"}\n')
    found = HubFiles(source(tmp_path, id_prefix="web:")).read_documents([0])
    assert [d.id for d in found] == ["web:a", f"web:{tmp_path.name}/default/train/1:2"]


def test_a_folder_whose_name_would_be_a_pattern_is_refused(tmp_path):
    (tmp_path / "web[1]").mkdir()
    (tmp_path / "web[1]" / "0.jsonl").write_text('{"id": "a", "text": "x"}')
    with pytest.raises(GrowmergeError, match="reads as a pattern; rename it"):
        HubFiles(source(tmp_path / "web[1]"))


def test_a_wrong_text_field_is_named_with_those_that_exist(smollm_corpus):
    wrong = source(smollm_corpus, config="fineweb-edu-dedup", text_field="content")
    with pytest.raises(GrowmergeError, match=r"fineweb-edu-dedup, train\): no field 'content'; it has text, id, meta"):
        documents(wrong)


def test_a_wrong_id_field_says_that_rows_can_be_numbered(smollm_corpus):
    wrong = source(smollm_corpus, config="fineweb-edu-dedup", id_field="uuid")
    with pytest.raises(GrowmergeError, match=r"no field 'uuid'; .* set id_field \(null: rows are numbered\)"):
        documents(wrong)


def test_python_edu_says_that_its_contents_must_be_fetched(smollm_corpus):
    with pytest.raises(GrowmergeError) as caught:
        documents(source(smollm_corpus, config="python-edu", id_field="blob_id"))
    for part in ("no field 'text'", "blob_id, repo_name, path", "Software Heritage", "any dataset of code"):
        assert part in str(caught.value)


def test_a_text_that_is_no_string_is_named_with_its_place(tmp_path):
    message = r"\(train\): file 2 of 2: .*text.* changed from string to number in row 2"
    for number in range(2):
        rows = [{"id": i, "text": 3 if (number, i) == (1, 2) else "a text"} for i in range(4)]
        (tmp_path / f"{number}.jsonl").write_text("\n".join(map(json.dumps, rows)))
    with pytest.raises(GrowmergeError, match=message):
        documents(source(tmp_path))


def test_a_text_of_numbers_is_refused(tmp_path):
    write_parquet(tmp_path / "numbers", [{"id": "a", "text": 3}], 1)
    with pytest.raises(GrowmergeError, match=r"file 1, row 1: field 'text' must be a string, found int"):
        documents(source(tmp_path / "numbers"))


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (
            {"config": "cosmopedia"},
            r"cosmopedia, train\): .*'cosmopedia' not found. Available: .*python-edu.*config or s",
        ),
        (
            {"config": "python-edu", "split": "test"},
            r"Bad split: test. Available splits: \['train'\]: correct config or",
        ),
        ({}, "Config name is missing. Please pick one among .*'python-edu'.*: correct config or split"),
    ],
)
def test_a_configuration_or_split_that_is_not_there_is_named_with_those_that_are(smollm_corpus, more, message):
    with pytest.raises(GrowmergeError, match=message):
        HubFiles(source(smollm_corpus, **more))


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(GrowmergeError, match=r"absent' \(train\): .*check the name of the dataset"):
        HubFiles(source(tmp_path / "absent"))


def test_a_damaged_file_is_named_by_its_number(tmp_path):
    write_parquet(tmp_path / "web", [fineweb_2(i) for i in range(6)], 3)
    last = sorted((tmp_path / "web").iterdir())[-1]
    last.write_bytes(last.read_bytes()[:-20])
    assert len(documents(source(tmp_path / "web"), "1-of-3")) == 2, "the others can be read"
    with pytest.raises(GrowmergeError, match=r"file 3 of 3: .*the file is damaged, or"):
        documents(source(tmp_path / "web"), "3-of-3")


def test_a_dataset_that_comes_with_code_is_one_line_and_the_code_does_not_run(tmp_path):
    folder = tmp_path / "web"
    folder.mkdir()
    (folder / "web.py").write_text(f"open({str(tmp_path / 'executed')!r}, 'w')\n")
    with pytest.raises(
        GrowmergeError, match=r"web' \(train\): .*web.py: it comes with code, which is never run"
    ) as error:
        HubFiles(source(folder))
    assert "\n" not in str(error.value)
    assert not (tmp_path / "executed").exists()


def test_a_dataset_whose_card_is_no_yaml_is_one_line(smollm_corpus):
    (smollm_corpus / "README.md").write_text("---\nconfigs: [a: b: c\n\t- x\n---\n")
    with pytest.raises(GrowmergeError, match=r"the metadata at the top of its README.md are no YAML") as error:
        HubFiles(source(smollm_corpus, config="fineweb-edu-dedup"))
    assert "\n" not in str(error.value)


# --- what the hub answers ---------------------------------------------------------------------------------------------

LOOK_UP = """
import sys
from growmerge.config.corpora import HubSource
from growmerge.data.hub import HubFiles
from growmerge.errors import GrowmergeError
for dataset in sys.argv[1:]:
    try:
        HubFiles(HubSource(kind="hub", dataset=dataset, revision="v1"))
    except GrowmergeError as error:
        print(error)
"""


def look_up(cache, *datasets, **environment):
    """A process of its own that looks datasets up: the library reads its settings when it is imported."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    return subprocess.Popen(
        [sys.executable, "-c", LOOK_UP, *datasets],
        env=clean | {"HF_HOME": str(cache), "NO_PROXY": "127.0.0.1"} | environment,
        stdout=subprocess.PIPE,
        text=True,
    )


class Refusing(LocalServer):
    """Refuses datasets as the hub does, by their owner: status and the header that says why."""

    ANSWERS = {  # noqa: RUF012
        "gated": (403, "GatedRepo"),
        "login": (401, "GatedRepo"),
        "absent": (404, "RepoNotFound"),
        "revised": (404, "RevisionNotFound"),
    }

    def answer(self, request):
        owner = request.path.removeprefix("/datasets/").split("/")[0]
        status, reason = self.ANSWERS.get(owner, (500, "Unexpected"))
        self.send(request, status, b"", {"X-Error-Code": reason})


@pytest.fixture(scope="module", autouse=True)
def unreachable(tmp_path_factory):
    """Started first: the library tries again for 23 s."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        endpoint = f"http://127.0.0.1:{unused.getsockname()[1]}"
    process = look_up(tmp_path_factory.mktemp("hf"), "HuggingFaceFW/fineweb-2", HF_ENDPOINT=endpoint)
    yield process
    process.kill()
    process.wait()


def test_what_the_hub_refuses_says_what_to_do(tmp_path):
    with Refusing() as hub:
        datasets = [f"{owner}/web" for owner in hub.ANSWERS]
        output, _ = look_up(tmp_path, *datasets, HF_ENDPOINT=hub.url).communicate()
    gated, login, absent, revised = output.splitlines()
    assert gated.startswith("hub dataset 'gated/web' (train, v1): ")
    for line in (gated, login):
        assert "is a gated dataset" in line
        assert "accept its licence on its page, run `hf auth login`" in line
    assert "doesn't exist on the Hub" in absent
    assert "Revision 'v1' doesn't exist" in revised
    for line in (absent, revised):
        assert line.endswith("check the names of dataset and revision; if it is private, run `hf auth login`")


def test_offline_says_so_in_one_line(tmp_path):
    output, _ = look_up(tmp_path, "HuggingFaceFW/fineweb-2", HF_HUB_OFFLINE="1").communicate()
    (line,) = output.splitlines()
    assert "HF_HUB_OFFLINE set?" in line
    assert "local copy in the hub's layout" in line


@pytest.mark.slow
def test_a_hub_that_cannot_be_reached_says_so_in_one_line(unreachable):
    output, _ = unreachable.communicate(timeout=100)
    (line,) = output.splitlines()
    assert "Couldn't reach 'HuggingFaceFW/fineweb-2'" in line
    assert "check the network" in line
