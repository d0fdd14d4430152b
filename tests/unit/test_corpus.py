"""A shard of a corpus is read from all of its sources, cleaned, held out, written, and every byte accounted for."""

import json
import subprocess
import sys
from dataclasses import asdict

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from growmerge.config.corpora import Corpus, FileSource, HubSource, StandardLibrarySource
from growmerge.data.corpus import DOCUMENTS, HELDOUT, build_shard, read_shard
from growmerge.data.documents import Document, read_documents, write_documents
from growmerge.errors import GrowmergeError
from growmerge.hashing import is_heldout
from growmerge.study.sharding import Shard

OUTCOMES = ("kept", "heldout", "markup", "short", "duplicate_id", "duplicate_text")


def write_lines(path, records):
    path.write_text("".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records), encoding="utf-8")


def corpus_of(*sources, **more):
    return Corpus(name="web", sources=list(sources), **more)


def files(folder, **more):
    return FileSource(kind="files", paths=[f"{folder}/*.jsonl"], **more)


def test_sources_follow_one_another_and_each_is_sharded(tmp_path):
    write_lines(tmp_path / "a b.jsonl", [{"text": "Ett dokument."}])
    write_lines(tmp_path / "c.jsonl", [{"text": "Ett annat."}])
    hub = tmp_path / "hub"
    hub.mkdir()
    for number in range(2):
        pq.write_table(pa.Table.from_pylist([{"id": f"<{number}>", "text": "On the hub"}]), hub / f"{number}.parquet")
    code = StandardLibrarySource(kind="python", part="code", max_bytes=100_000)
    corpus = corpus_of(files(tmp_path), HubSource(kind="hub", dataset=str(hub)), code)
    whole = [d.id for d in read_shard(corpus, {}, Shard())]
    assert whole[:4] == ["a b.jsonl:1", "c.jsonl:1", "<0>", "<1>"]
    assert len(whole) > 8
    first, second = ([d.id for d in read_shard(corpus, {}, Shard(index, 2))] for index in range(2))
    assert (first[:2], second[:2]) == (["a b.jsonl:1", "<0>"], ["c.jsonl:1", "<1>"])
    assert min(len(first), len(second)) > 2, "each has some of the code"
    assert sorted(first + second) == sorted(whole)


def test_fewer_files_than_shards_are_named(tmp_path):
    write_lines(tmp_path / "a.jsonl", [{"text": "x"}])
    with pytest.raises(GrowmergeError, match=r"corpora\.web\.shards = 2: paths .*jsonl'\] has 1 files"):
        list(read_shard(corpus_of(files(tmp_path)), {}, Shard(0, 2)))


def test_files_of_one_name_are_refused_also_where_another_shard_reads_them(tmp_path):
    for name in "ab":
        (tmp_path / name).mkdir()
        write_lines(tmp_path / name / "x.jsonl", [{"text": "x"}])
    with pytest.raises(GrowmergeError, match=r"x\.jsonl: two files have this name"):
        list(read_shard(corpus_of(files(f"{tmp_path}/*")), {}, Shard(0, 2)))


def test_an_id_of_another_text_in_an_earlier_source_is_refused_and_a_prefix_mends_it(tmp_path):
    for name, word in (("a", "Fyrsta"), ("b", "Önnur")):
        (tmp_path / name).mkdir()
        write_lines(tmp_path / name / "x.jsonl", [{"id": i, "text": f"{word} setning {i}"} for i in range(9)])
    first, second = (files(tmp_path / name, id_field="id") for name in "ab")
    message = r"corpora\.web\.sources\.1 \(paths .*b/\*.*id '0' is the id of another text.*`id_prefix`"
    with pytest.raises(GrowmergeError, match=message):
        build_shard(corpus_of(first, second), {}, Shard(), tmp_path / "out")
    second = files(tmp_path / "b", id_field="id", id_prefix="b/")
    facts = build_shard(corpus_of(first, second), {}, Shard(), tmp_path / "out")
    assert facts["kept"]["documents"] == 18
    ids = [d.id for d in read_documents(tmp_path / "out" / DOCUMENTS)]
    assert ids == [*map(str, range(9)), *(f"b/{i}" for i in range(9))]


def test_the_same_document_in_two_sources_is_kept_once(tmp_path):
    for name in "ab":
        write_lines(tmp_path / f"{name}.jsonl", [{"id": i, "text": f"Setning {i}"} for i in range(9)])
    sources = [FileSource(kind="files", paths=[str(tmp_path / f"{name}.jsonl")], id_field="id") for name in "ab"]
    facts = build_shard(corpus_of(*sources), {}, Shard(), tmp_path / "out")
    assert (facts["kept"]["documents"], facts["duplicate_id"]["documents"]) == (9, 9)


def test_ids_of_other_texts_in_one_source_are_dropped_with_a_warning(tmp_path, caplog):
    for name in "ab":
        write_lines(tmp_path / f"{name}.jsonl", [{"id": i, "text": f"Setning {name} {i}"} for i in range(9)])
    build_shard(corpus_of(files(tmp_path, id_field="id")), {}, Shard(), tmp_path / "out")
    assert "9 documents were dropped for an id that a document of another text has, too" in caplog.text


def test_a_text_with_a_sentence_a_line_is_one_document_or_as_many_as_lines(tmp_path):
    (tmp_path / "a.txt").write_text("Fyrsta setning.\nÖnnur setning.\n\nÞriðja setning.\n", encoding="utf-8")
    paths = [str(tmp_path / "a.txt")]
    paragraphs = corpus_of(FileSource(kind="files", paths=paths))
    lines = corpus_of(FileSource(kind="files", paths=paths, lines=True))
    assert [d.id for d in read_shard(paragraphs, {}, Shard())] == ["a.txt:1", "a.txt:2"]
    assert [(d.id, d.text) for d in read_shard(lines, {}, Shard())] == [
        ("a.txt:1", "Fyrsta setning."),
        ("a.txt:2", "Önnur setning."),
        ("a.txt:4", "Þriðja setning."),
    ]


@pytest.mark.parametrize("count", [1, 2])
def test_a_shard_of_which_nothing_is_kept_says_why_each_document_fell(tmp_path, count):
    records = [{"id": 0, "text": "One"}, {"id": 1, "text": None}, {"id": 2, "text": "See <name> for it"}]
    for number in range(count):
        write_lines(tmp_path / f"{number}.jsonl", records)
    corpus = corpus_of(files(tmp_path, id_field="id"), cleaning="strings", min_words=2)
    with pytest.raises(GrowmergeError, match=r"corpora\.web.*of 3 read: 1 with markup.*, 2 with fewer words") as caught:
        build_shard(corpus, {}, Shard(0, count), tmp_path / "out")
    assert ("shard 1-of-2 (with fewer `shards`" in str(caught.value)) == (count == 2)


def test_a_corpus_that_is_held_out_altogether_by_chance_is_refused_and_on_purpose_is_not(tmp_path):
    write_lines(tmp_path / "a.jsonl", [{"text": "A single document"}])
    with pytest.raises(GrowmergeError, match=r"of 1 read: 1 held out for evaluation \(`heldout`\).*set `heldout: 1`"):
        build_shard(corpus_of(files(tmp_path), heldout=0.99), {}, Shard(), tmp_path / "out")
    facts = build_shard(corpus_of(files(tmp_path), heldout=1.0), {}, Shard(), tmp_path / "out")
    assert facts["heldout"]["documents"] == 1


def test_a_name_with_brackets_is_the_file_of_that_name_and_a_glob_where_there_is_none(tmp_path):
    for name in ("part1", "part[1]"):
        (tmp_path / f"{name}.jsonl").write_text("{}")
    (tmp_path / "web[2]").mkdir()
    (tmp_path / "web[2]" / "a.jsonl").write_text("{}")

    def found(path):
        paths = FileSource(kind="files", paths=[f"{tmp_path}/{path}"]).files()
        return [str(path.relative_to(tmp_path)) for path in paths]

    assert found("part[1].jsonl") == ["part[1].jsonl"]
    assert found("part[12].jsonl") == ["part1.jsonl"]
    assert found("web[2]/*.jsonl") == found("web[2]/[ab].jsonl") == ["web[2]/a.jsonl"]
    assert found("**/a.jsonl") == ["web[2]/a.jsonl"]


def test_options_that_are_not_used_are_not_among_the_params_of_a_rule():
    plain = FileSource(kind="files", paths=["a.txt"])
    assert set(plain.model_dump(mode="json")) == {"kind", "paths", "text_field", "id_field"}
    used = FileSource(kind="files", paths=["a.txt"], lines=True, id_prefix="a")
    assert FileSource.model_validate(used.model_dump(mode="json")) == used


def test_a_path_that_matches_nothing_is_named(tmp_path):
    with pytest.raises(GrowmergeError, match=r"sources.paths = .*absent.*: no such file"):
        FileSource(kind="files", paths=[f"{tmp_path}/absent/*.txt"]).files()


def test_what_is_read_is_the_sum_of_what_became_of_it(tmp_path):
    records = [{"id": f"id{i}", "text": f"  A sentence,  of þ number {i}"} for i in range(300)]
    records += [
        {"id": "id7", "text": "Another text of that id"},
        {"id": "same", "text": "a SENTENCE of þ number 8!"},
        {"id": "short", "text": "One"},
        {"id": "empty", "text": ""},
        {"id": "markup", "text": "See <name> for more of it"},
    ]
    write_lines(tmp_path / "a.jsonl", records)
    corpus = corpus_of(files(tmp_path, id_field="id"), cleaning="strings", min_words=3, heldout=0.2)
    facts = build_shard(corpus, {}, Shard(), tmp_path / "out")

    size = sum(len(record["text"].encode()) for record in records)
    assert facts["read"] == {
        "documents": 305,
        "bytes": size,
        "characters": sum(len(record["text"]) for record in records),
    }
    for measure in ("documents", "bytes", "characters"):
        assert facts["read"][measure] == sum(facts[outcome][measure] for outcome in OUTCOMES)
    dropped = {outcome: facts[outcome]["documents"] for outcome in OUTCOMES[2:]}
    assert dropped == {"markup": 1, "short": 2, "duplicate_id": 1, "duplicate_text": 1}
    assert facts["short"]["bytes"] == 3

    for name, outcome in ((DOCUMENTS, "kept"), (HELDOUT, "heldout")):
        documents = read_documents(tmp_path / "out" / name)
        assert facts["written"][name] == {
            "documents": facts[outcome]["documents"],
            "bytes": sum(len(d.text.encode()) for d in documents),
            "characters": sum(len(d.text) for d in documents),
        }
        assert all(is_heldout(d.id, 0.2) == (name == HELDOUT) for d in documents)
        assert facts["written"][name]["bytes"] < facts[outcome]["bytes"], "white space was made single"
    assert 40 < facts["heldout"]["documents"] < 80


def test_no_text_is_both_trained_on_and_held_out(tmp_path):
    texts = [f"Sentence of number {i % 100}" for i in range(1000)]  # each under ten ids
    write_lines(tmp_path / "a.jsonl", [{"id": i, "text": text} for i, text in enumerate(texts)])
    corpus = corpus_of(files(tmp_path, id_field="id"), heldout=0.5)
    build_shard(corpus, {}, Shard(), tmp_path / "out")
    training, heldout = ({d.text for d in read_documents(tmp_path / "out" / n)} for n in (DOCUMENTS, HELDOUT))
    assert training.isdisjoint(heldout)
    assert training | heldout == set(texts)


def test_held_out_documents_are_the_same_whatever_the_shards(tmp_path):
    for number in range(4):
        records = [{"text": f"Sentence {number} {i}"} for i in range(50)]
        write_lines(tmp_path / f"{number}.jsonl", records)
    corpus = corpus_of(files(tmp_path), heldout=0.3)
    heldout = []
    for count in (1, 3):
        shards = [Shard(index, count) for index in range(count)]
        for shard in shards:
            build_shard(corpus, {}, shard, tmp_path / str(shard))
        heldout.append([d for s in shards for d in read_documents(tmp_path / str(s) / HELDOUT)])
    assert heldout[0] == heldout[1]


PEAK = """
import sys
from pathlib import Path
from growmerge.config.corpora import Corpus, FileSource, HubSource
from growmerge.data.corpus import DOCUMENTS, build_shard
from growmerge.data.documents import Document, iterate_documents
from growmerge.study.sharding import Shard
from growmerge.data.shards import write_shard
from growmerge.data.split import TrainingText
from growmerge.data.tokenizer import train_tokenizer

def build(folder):
    files = FileSource(kind="files", paths=[f"{folder}/*.parquet"], id_field="id")
    source = files if step == "files" else HubSource(kind="hub", dataset=str(folder))
    build_shard(Corpus(name="web", sources=[source]), {}, Shard(), folder.with_name(f"{folder.name} out"))

def tokenize(folder):
    training = TrainingText([Document("x", "An evaluation text of five words")])
    write_shard(training.of(iterate_documents(folder / "0.parquet")), tokenizer, 0, 0, folder / "tokens")

tokenizer = train_tokenizer(["the cat sees a dog"], 300)
step, peaks = sys.argv[1], []
for folder in map(Path, sys.argv[2:]):
    tokenize(folder) if step == "tokenize" else build(folder)
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    peaks.append(int(status["VmHWM"].split()[0]) * 1024)  # ru_maxrss would be at least that of the parent process
print(peaks[1] - peaks[0])
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak from /proc")
@pytest.mark.parametrize(("step", "count", "times"), [("files", 2_000, 4), ("hub", 4_000, 4), ("tokenize", 2_000, 12)])
def test_memory_does_not_grow_with_the_corpus(tmp_path, step, count, times):
    """How much higher the peak of a process is after a corpus than after a part of it (19 MB; hub: 38 MB).

    Some megabytes, which allocators keep back (of fastokens up to 40, however much text there is); whoever held the
    text would need as much more as there is more of it.
    """
    text = "the cat sees a dog " * 500
    for name, documents_of in (("small", count), ("large", count * times)):
        documents = [Document(str(i), f"{text} {i}") for i in range(documents_of)]
        write_documents(documents, tmp_path / name / "0.parquet")
        if step == "hub":  # JSON lines: of Parquet, `datasets` lets Arrow read up to 1 GiB ahead
            (tmp_path / name / "0.parquet").unlink()
            write_lines(tmp_path / name / "0.jsonl", map(asdict, documents))
    command = [sys.executable, "-c", PEAK, step, str(tmp_path / "small"), str(tmp_path / "large")]
    grown = int(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
    assert grown < (times - 1) * count * len(text) / 2


def test_no_more_is_read_than_max_bytes_and_less_text_is_named(tmp_path):
    texts = [f"Text {number:04} med bokstaven å." for number in range(400)]  # 27 bytes each
    for name, part in (("a", texts[:200]), ("b", texts[200:])):
        write_lines(tmp_path / f"{name}.jsonl", [{"text": text} for text in part])
    assert {len(text.encode()) for text in texts} == {27}
    whole = build_shard(corpus_of(files(tmp_path), heldout=0.2), {}, Shard(), tmp_path)
    for count, kept in ((1, 100), (2, 50)):
        facts = build_shard(corpus_of(files(tmp_path), heldout=0.2, max_bytes=2726), {}, Shard(0, count), tmp_path)
        assert facts["written"][DOCUMENTS]["documents"] == facts["kept"]["documents"] == kept
        assert facts["read"]["documents"] == sum(facts[outcome]["documents"] for outcome in OUTCOMES) < 200
        assert [d.text for d in read_documents(tmp_path / DOCUMENTS)] == [
            text for number, text in enumerate(texts) if not is_heldout(f"a.jsonl:{number + 1}", 0.2)
        ][:kept]
    least = whole["written"][DOCUMENTS]["bytes"]
    refused = corpus_of(files(tmp_path), heldout=0.2, max_bytes=least)
    with pytest.raises(
        GrowmergeError, match=rf"corpora\.web\.max_bytes = {least}: shard 1-of-1 has only {least:,} of its"
    ):
        build_shard(refused, {}, Shard(), tmp_path)
    assert "max_bytes" not in corpus_of(files(tmp_path)).model_dump(), "corpora without a cap stay as they are"
