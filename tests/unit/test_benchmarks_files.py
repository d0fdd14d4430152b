"""Benchmarks from single files: what a file is read as, and what is wrong with one that cannot be read."""

import gzip
import hashlib
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hub_folder import write_dataset
from local_server import LocalServer

from growmerge.benchmarks.build import build_benchmark
from growmerge.config.benchmarks import Benchmark
from growmerge.errors import GrowmergeError

ROW = {"sentence_good": "Hon er góð.", "sentence_bad": "Hon er góður."}
PAIR = tuple(ROW.values())


def build(path, name="foblimp", language="fao", **keys):
    benchmark = Benchmark(name=name, sources={language: {"dataset": str(path)}}, **keys)
    built = build_benchmark(benchmark, language, seed=1)
    assert built.facts["read"] == built.facts["kept"] + sum(built.facts["dropped"].values())
    return built


def write(path, text, encoding="utf-8"):
    path.write_bytes(text.encode(encoding))
    return path


def candidates(built):
    return [item.candidates for item in built.items]


def test_a_file_is_read_once_whatever_configurations_and_splits_the_registry_names(tmp_path):
    pairs = write(tmp_path / "pairs.jsonl", "".join(json.dumps(ROW | {"UID": n}) + "\n" for n in "ab"))
    built = build(pairs, "blimp", "eng")
    assert [item.id for item in built.items] == ["train:1", "train:2"]
    assert built.facts["read"] == 2
    corrupted = write(tmp_path / "corrupted.jsonl", json.dumps({"correct": "Hon går.", "incorrect": "Hon gå."}))
    (item,) = build(corrupted, "blimp_single_error", "swe").items
    assert item.subset == "", "a file has no splits that could say what they test"


def test_examples_of_a_file_are_other_rows_of_it(tmp_path):
    rows = [{"ctx_a": f"{n}", "ctx_b": "", "endings": [f"a{n}", f"b{n}"], "label": 0} for n in range(3)]
    path = write(tmp_path / "endings.jsonl", "\n".join(map(json.dumps, rows)))
    for number, item in enumerate(build(path, "hellaswag", "eng", few_shot=2).items):
        *examples, question = item.context.split("\n\n")
        assert question == f"{number}"
        assert sorted(examples) == [f"{n} a{n}" for n in range(3) if n != number]


@pytest.mark.parametrize("name", ["PAIRS.JSONL", "pairs.jsonl.gz", "pairs.CSV.gz"])
def test_endings_can_be_capitals_and_files_compressed(tmp_path, name):
    text = ",".join(ROW) + "\n" + ",".join(PAIR) if "CSV" in name else json.dumps(ROW)
    data = text.encode()
    (tmp_path / name).write_bytes(gzip.compress(data) if name.endswith("gz") else data)
    assert candidates(build(tmp_path / name)) == [PAIR]


def test_quotation_marks_are_text_in_tsv_and_enclose_texts_in_csv(tmp_path):
    tabs = 'sentence_good\tsentence_bad\n"Hon er góð\tHon er góður\n"Hon" er góð\tHon er "góður\n'
    built = build(write(tmp_path / "pairs.tsv", tabs))
    assert candidates(built) == [('"Hon er góð', "Hon er góður"), ('"Hon" er góð', 'Hon er "góður')]
    with pytest.raises(GrowmergeError, match=r"quoted\.tsv.*quotation marks.*in TSV"):  # as pandas writes them
        build(write(tmp_path / "quoted.tsv", 'sentence_good\tsentence_bad\n"Hon ""er"" góð"\tb\n'))
    commas = 'sentence_good,sentence_bad\n"Hon, sum ""kom"", er góð","Hon\ner góður"\n'
    assert candidates(build(write(tmp_path / "pairs.csv", commas))) == [('Hon, sum "kom", er góð', "Hon\ner góður")]
    with pytest.raises(GrowmergeError, match=r"open\.csv.*EOF inside string.*quotation marks.*doubled"):
        build(write(tmp_path / "open.csv", 'sentence_good,sentence_bad\n"Hon er góð,Hon er góður\nb,c\n'))


@pytest.mark.parametrize("rows", ["Hon, er góð,Hon er góður\nb,c\n", "b,c\nHon, er góð,Hon er góður\n"])
def test_a_row_of_csv_with_a_field_too_many_is_an_error(tmp_path, rows):
    with pytest.raises(GrowmergeError, match=r"pairs\.csv.*field.*quotation marks"):
        build(write(tmp_path / "pairs.csv", "sentence_good,sentence_bad\n" + rows))


def test_words_that_look_like_missing_values_are_words(tmp_path):
    words = [("NA", "null"), ("None", "nan"), ("n/a", "NULL")]
    text = "sentence_good,sentence_bad,UID\n" + "".join(f"{a},{b},\n" for a, b in words) + ",Hon,x\n"
    built = build(write(tmp_path / "pairs.csv", text))
    assert candidates(built) == words
    assert built.facts["dropped"] == {"empty text": 1}
    folder = tmp_path / "swe"
    folder.mkdir()
    write(folder / "train.csv", "sen,wrong_sen\nNA,null\n")
    assert candidates(build(tmp_path, "multiblimp", "swe", fields={})) == [("NA", "null")]


def test_numbers_and_bytes_are_no_text_and_said_so(tmp_path):
    rows = [ROW, ROW | {"sentence_good": 5}, ROW | {"sentence_good": None}]
    built = build(write(tmp_path / "pairs.jsonl", "\n".join(map(json.dumps, rows))))
    assert built.facts["dropped"] == {"empty text": 1, "no text": 1}
    pq.write_table(pa.table({key: pa.array([value.encode()]) for key, value in ROW.items()}), tmp_path / "b.parquet")
    with pytest.raises(GrowmergeError, match=r"made an item \(no text: 1\)"):
        build(tmp_path / "b.parquet")


@pytest.mark.parametrize("name", ["none.jsonl", "none.csv", "none.parquet"])
def test_a_file_without_rows_says_so(tmp_path, name):
    path = tmp_path / name
    if name.endswith("parquet"):
        pq.write_table(pa.table({key: pa.array([], pa.string()) for key in ROW}), path)
    else:
        path.write_text("")
    with pytest.raises(GrowmergeError, match=rf"none of 0 records of '.*{name}' made an item \(there were none\)"):
        build(path)


@pytest.mark.parametrize("suffix", [".jsonl", ".csv", ".tsv"])
def test_another_encoding_than_utf_8_is_named(tmp_path, suffix):
    text = json.dumps(ROW, ensure_ascii=False) if suffix == ".jsonl" else f"sentence_good,sentence_bad\n{PAIR[0]},b\n"
    with pytest.raises(GrowmergeError, match=rf"pairs\{suffix}.*not UTF-8.*convert it"):
        build(write(tmp_path / f"pairs{suffix}", text, "latin-1"))


@pytest.mark.parametrize("name", ["a.jsonl.gz", "cut.jsonl.gz", "a.csv.gz", "a.parquet", "a.jsonl"])
def test_a_damaged_file_is_named_as_a_file(tmp_path, name):
    data = gzip.compress(json.dumps(ROW).encode() * 99)[:-9] if "cut" in name else b'{"a":'
    (tmp_path / name).write_bytes(data)
    with pytest.raises(
        GrowmergeError, match=rf"^'{tmp_path / name}': .*the file is damaged.*; fetch it again, or mend it"
    ):
        build(tmp_path / name)


def test_a_file_that_is_not_there_is_not_taken_for_a_dataset_of_the_hub(tmp_path):
    with pytest.raises(GrowmergeError, match=r"nowhere/pairs\.jsonl: no such file"):
        build("nowhere/pairs.jsonl")
    with pytest.raises(GrowmergeError, match=r"x\.doc: unknown kind of file"):
        build(write(tmp_path / "x.doc", "x"))


def test_fields_of_structs_are_looked_for_in_the_first_row(tmp_path):
    listed = {"stem": "a?", "choices": [{"label": "A", "text": "a"}, {"label": "B", "text": "b"}]}
    path = write(tmp_path / "listed.jsonl", json.dumps({"question": listed, "answerKey": "A"}))
    with pytest.raises(GrowmergeError, match=r"no column 'question\.choices\.text' .*; 'question\.choices' is a list"):
        build(path, "xcsqa", "deu", few_shot=0)
    stemless = {"choices": {"label": ["A", "B"], "text": ["a", "b"]}}
    path = write(tmp_path / "stemless.jsonl", json.dumps({"question": stemless, "answerKey": "A"}))
    with pytest.raises(GrowmergeError, match=r"no column 'question\.stem' for `question`; 'question' has choices"):
        build(path, "xcsqa", "deu", few_shot=0)


# --- digests ----------------------------------------------------------------------------------------------------------


class Pairs(LocalServer):
    """Serves one file of pairs under every address, and can be told to serve another."""

    data = json.dumps(ROW).encode()

    def answer(self, request):
        self.send(request, 200, self.data)


def test_what_anybody_on_the_way_can_change_needs_a_digest():
    for address in (
        "http://example.org/pairs.jsonl",
        "HTTP://example.org/pairs.jsonl",
        "ftp://example.org/pairs.jsonl",
    ):
        with pytest.raises(
            ValueError, match=rf"sources\.fao\.dataset = '{address}': anybody .* `sources\.fao\.sha256`"
        ):
            Benchmark(name="foblimp", sources={"fao": {"dataset": address}})
        Benchmark(name="foblimp", sources={"fao": {"dataset": address, "sha256": "0" * 64}})
    plain = Benchmark(name="foblimp", sources={"fao": {"dataset": "https://example.org/pairs.jsonl"}})
    assert "sha256" not in plain.part("fao")["sources"]["fao"], "what was built before this key is not built again"


def test_a_file_with_another_digest_is_not_read(tmp_path):
    right = hashlib.sha256(Pairs.data).hexdigest()
    path = tmp_path / "pairs.jsonl"
    path.write_bytes(Pairs.data)
    with Pairs() as server:
        for dataset in (path, f"{server.url}/pairs.jsonl"):
            sources = {"fao": {"dataset": str(dataset), "sha256": right}}
            benchmark = Benchmark(name="foblimp", sources=sources)
            assert candidates(build_benchmark(benchmark, "fao", seed=1)) == [PAIR]
            sources["fao"]["sha256"] = "0" * 64
            with pytest.raises(GrowmergeError, match=rf"{dataset}: expected sha256 0+, found {right}, .* not the file"):
                build_benchmark(Benchmark(name="foblimp", sources=sources), "fao", seed=1)


def test_a_file_with_a_digest_that_cannot_be_had_is_named(tmp_path):
    with Pairs() as server:
        address = f"{server.url}/pairs.jsonl"
    for dataset in (address, str(tmp_path / "nowhere.jsonl")):
        benchmark = Benchmark(name="foblimp", sources={"fao": {"dataset": dataset, "sha256": "0" * 64}})
        with pytest.raises(GrowmergeError, match=dataset):
            build_benchmark(benchmark, "fao", seed=1)


# --- numbers that came as floats --------------------------------------------------------------------------------------


def test_labels_with_a_hole_are_whole_floats_and_count_as_their_classes(tmp_path):
    sentences = ["Jag går hem i dag.", "Jag gå hem i dag.", "Jag går.", "Han sover nu."]
    labels = [0.0, 1.0, float("nan"), None]
    pq.write_table(pa.table({"sentence": sentences, "label": labels}), tmp_path / "labels.parquet")
    built = build(tmp_path / "labels.parquet", "dalaj", "swe")
    assert candidates(built) == [("Jag går hem i dag.", "Jag gå hem i dag.")]
    assert built.facts["dropped"] == {"counterpart": 1, "label out of range": 2}
    text = "sentence,label\nJag går hem i dag.,0\nJag gå hem i dag.,1\nJag går.,\n"
    assert candidates(build(write(tmp_path / "labels.csv", text), "dalaj", "swe")) == candidates(built)


def test_what_is_no_whole_number_is_no_label(tmp_path):
    labels = [0.0, 1.0, 0.7, -1.0, float("nan"), float("inf")]
    rows = len(labels)
    columns = {"küsimus": ["A _ b"] * rows, "vastusevariandid": [["x", "y"]] * rows, "vastus": labels}
    pq.write_table(pa.table(columns), tmp_path / "exam.parquet")
    built = build(tmp_path / "exam.parquet", "exam_et", "ekk")
    assert candidates(built) == [("A x b", "A y b"), ("A y b", "A x b")]
    assert built.facts["dropped"] == {"label out of range": 1, "no label": 3}
    pq.write_table(pa.table(columns | {"vastus": [True] * rows}), tmp_path / "true.parquet")
    with pytest.raises(GrowmergeError, match=r"\(no label: 6\)"):
        build(tmp_path / "true.parquet", "exam_et", "ekk")


def test_a_hole_is_no_subset_and_a_whole_float_is_written_as_an_integer(tmp_path):
    columns = {"sentence_good": ["a", "b"], "sentence_bad": ["c", "d"], "UID": [float("nan"), 1.0]}
    pq.write_table(pa.table(columns), tmp_path / "subsets.parquet")
    assert [item.subset for item in build(tmp_path / "subsets.parquet").items] == ["", "1"]


def test_ids_join_whether_they_are_integers_or_floats_and_missing_ones_do_not(tmp_path):
    def side(*ids):
        return {"devtest": [{"id": n, "text": f"text {n}"} for n in ids]}

    dataset = write_dataset(tmp_path, {"swe_Latn": side(1.0, 2.0, None), "eng_Latn": side(1, 2, None)})
    built = build_benchmark(Benchmark(name="flores", sources={"swe": {"dataset": dataset}}), "swe", seed=1)
    assert [(item.id, item.reference) for item in built.items] == [("sentence:1", "text 1"), ("sentence:2", "text 2")]
    assert built.facts["dropped"] == {"no id": 1}


def test_a_file_with_brackets_in_its_name_is_that_file(tmp_path):
    path = tmp_path / "pairs[1].jsonl"
    path.write_text(json.dumps(ROW) + "\n", encoding="utf-8")
    assert [item.candidates for item in build(path).items] == [PAIR]


# --- files whose columns differ ---------------------------------------------------------------------------------------


def test_rows_of_joined_files_may_have_other_columns_than_the_first(tmp_path):
    """As in 67 files of BLiMP joined; `datasets` casts pieces of 10 MB to the columns of the first."""
    other = ROW | {"UID": "b", "two_prefix_word": "x", "field": 3}
    lines = [json.dumps(ROW | {"one_prefix_word": "x" * 100})] * 60_000 + [json.dumps(other)] * 2
    path = write(tmp_path / "joined.jsonl", "\n".join(lines))
    assert path.stat().st_size > 10 << 20
    built = build(path)
    assert [item.subset for item in built.items[-3:]] == ["", "b", "b"]


def test_a_folder_may_have_one_file_a_configuration(tmp_path):
    for number, name in enumerate(["adjunct_island", "causative"]):
        write(tmp_path / f"{name}.jsonl", json.dumps(ROW | {"UID": name, f"only_{name}": number}))
    keys = {"sources": {"eng": {"dataset": str(tmp_path), "configs": ["adjunct_island", "causative"]}}}
    built = build_benchmark(Benchmark(name="blimp", **keys), "eng", seed=1)
    assert [(item.id, item.subset) for item in built.items] == [
        ("adjunct_island/train:1", "adjunct_island"),
        ("causative/train:1", "causative"),
    ]
    (tmp_path / "causative.jsonl").unlink()
    with pytest.raises(GrowmergeError, match="causative"):
        build_benchmark(Benchmark(name="blimp", **keys), "eng", seed=1)


@pytest.mark.parametrize(
    ("more", "subsets"),
    [
        ([{}, {"UID": ["b"]}], ["", "b"]),  # a column that only later files have
        ([{"UID": ["a"]}, {}], ["a", ""]),
        ([{"extra": [1]}, {"extra": ["x"]}], ["", ""]),  # a column that nobody reads, of two types
        ([{"UID": pa.nulls(1)}, {"UID": ["b"]}], ["", "b"]),
    ],
)
def test_parquet_files_may_differ_in_columns(tmp_path, more, subsets):
    for number, columns in enumerate(more):
        pq.write_table(
            pa.table({key: [text] for key, text in ROW.items()} | columns), tmp_path / f"train-{number}.parquet"
        )
    assert [item.subset for item in build(tmp_path).items] == subsets


@pytest.mark.parametrize("order", [1, -1])
def test_empty_files_and_row_groups_of_parquet_have_no_rows(tmp_path, order):
    full = pa.table({key: [text] for key, text in ROW.items()})
    tables = [full.slice(0, 0), full][::order]
    folder = tmp_path / "folder"
    folder.mkdir()
    for number, table in enumerate(tables):
        pq.write_table(table, folder / f"train-{number}.parquet")
    with pq.ParquetWriter(tmp_path / "groups.parquet", full.schema) as writer:
        for table in tables:
            writer.write_table(table)
    assert candidates(build(folder)) == candidates(build(tmp_path / "groups.parquet")) == [PAIR]


def test_null_texts_are_dropped_and_counted_whole_row_groups_too(tmp_path):
    full = pa.table({key: [text] for key, text in ROW.items()})
    with pq.ParquetWriter(tmp_path / "nulls.parquet", full.schema) as writer:
        writer.write_table(pa.table({key: pa.nulls(3, pa.string()) for key in ROW}))
        writer.write_table(full)
    built = build(tmp_path / "nulls.parquet")
    assert (candidates(built), built.facts["dropped"]) == ([PAIR], {"empty text": 3})


# --- a space before sentences -----------------------------------------------------------------------------------------


def test_sentences_may_have_a_space_before_them(tmp_path):
    built = build(write(tmp_path / "pairs.jsonl", json.dumps(ROW)), leading_space=True)
    assert candidates(built) == [tuple(f" {text}" for text in PAIR)]
    assert Benchmark(name="blimp", leading_space=True).part("eng")["leading_space"]
    with pytest.raises(ValueError, match="`leading_space` does not apply to 'belebele'"):
        Benchmark(name="belebele", leading_space=True)
