"""Local files that a study names are looked at before any job: there at all, and holding what is taken from them."""

import gzip
import json
from pathlib import Path

import pytest

from growmerge.config import check_local, validate
from growmerge.config.load import merge_mappings, read_yaml
from growmerge.config.references import names_a_path
from growmerge.errors import GrowmergeError

CONFIG = Path(__file__).parents[2] / "config"
FULL = read_yaml(CONFIG / "config.yaml")
# The papers' merges alone: others need text that these tests leave out.
PLAIN = {
    "methods": [{"name": "linear", "parameters": {"weight": 1.0}}],
    **{"healing": None, "rounds": None, "ensemble": None},
}
MINIATURE = merge_mappings(merge_mappings(FULL, read_yaml(CONFIG / "miniature.yaml")), {"merging": PLAIN})
# Some tests name benchmarks of other languages alone.
MINIATURE["languages"] = [language | {"unscored": True} for language in MINIATURE["languages"]]
WHOLE = ["config.json", "model.safetensors", "tokenizer.json"]


def check(changes: dict, over: dict = MINIATURE) -> None:
    check_local(validate(merge_mappings(over, changes)))


def refused(changes: dict, over: dict = MINIATURE) -> str:
    with pytest.raises(GrowmergeError) as error:
        check(changes, over)
    (line,) = str(error.value).splitlines()
    return line.removeprefix("configuration: ")


def folder(path: Path, *names: str) -> Path:
    path.mkdir(parents=True)
    for name in names:
        (path / name).write_text("{}", encoding="utf-8")
    return path


@pytest.mark.parametrize("over", [FULL, MINIATURE], ids=["full", "miniature"])
def test_the_shipped_configurations_name_no_file_that_is_not_there(over):
    check({}, over)


# --- checkpoints ----------------------------------------------------------------------------------------------------


def taken(where: str, reference: str) -> tuple[str, dict]:
    """A study that takes a checkpoint from a reference, and the key of it."""
    if where == "bases":
        return "bases.0.from", {"bases": [{"name": "init", "from": reference}, *MINIATURE["bases"][1:]]}
    if where == "setups":
        first = MINIATURE["setups"][0] | {"from": {"swe": reference}}
        return "setups.0.from.swe", {"setups": [first, *MINIATURE["setups"][1:]]}
    return "external.0.from", {"external": [{"name": "other", "from": reference}]}


@pytest.mark.parametrize("where", ["bases", "setups", "external"])
def test_a_folder_that_is_no_checkpoint_is_refused(where, tmp_path):
    key, changes = taken(where, "folder:/models/nothing")
    assert refused(changes) == f"{key} = 'folder:/models/nothing': no such folder: '/models/nothing'"
    lacking = {
        "config.json": "config.json",
        "model.safetensors": "weights in safetensors",
        "tokenizer.json": "tokenizer",
    }
    for name, what in lacking.items():
        path = folder(tmp_path / name, *(other for other in WHOLE if other != name))
        key, changes = taken(where, f"folder:{path}")
        said = refused(changes)
        assert said.startswith(f"{key} = 'folder:/")
        assert f": the folder '{path}' has no {what}" in said
    key, changes = taken(where, f"folder:{folder(tmp_path / 'whole', *WHOLE)}")
    check(changes)


def test_pickled_weights_a_file_and_a_relative_path_are_told_apart(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = folder(tmp_path / "pickled", "config.json", "pytorch_model.bin", "tokenizer.json")
    assert "has pickled weights alone" in refused(taken("bases", f"folder:{path}")[1])
    assert "is a file; give the folder" in refused(taken("bases", f"folder:{path}/config.json")[1])
    assert refused(taken("bases", "folder:models/x")[1]).endswith(f"relative to the working directory, {tmp_path}")
    assert "~ is not expanded here" in refused(taken("bases", "folder:~/x")[1])


def test_the_checkpoints_of_branches_are_looked_at(tmp_path):
    model = folder(tmp_path / "swe", *WHOLE)
    folder(model / "step-50", *WHOLE)
    setups = [MINIATURE["setups"][0] | {"from": {"swe": f"folder:{model}"}, "branches": "step-{step}"}]
    merging = {"over_training": {"setups": [setups[0]["name"]], "every": 50, "until": 100}, "published_bases": []}
    changes = {"setups": setups, "merging": merging, "training": {"checkpoint_every": 50}}
    changes["languages"] = [language | {"checkpoint_every": 50} for language in MINIATURE["languages"]]
    assert refused(changes) == f"setups.0.branches = 'step-{{step}}': no such folder: '{model}/step-100'"
    folder(model / "step-100", *WHOLE)
    check(changes)


# --- tokenizer, text, benchmarks ------------------------------------------------------------------------------------


def test_a_name_is_a_path_or_an_id_of_the_hub(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("/models/x", "./x", "../x", "a/b/c", "my data/x", "~/x", "data/x.jsonl", "x.csv", "a/tokenizer.json"):
        assert names_a_path(name), name
    for name in ("gpt2", "google/gemma-3-1b-pt", "data/x", "https://example.org/x.jsonl"):
        assert not names_a_path(name), name
    folder(tmp_path / "data/x")
    assert names_a_path("data/x")


def test_a_tokenizer_that_is_not_there_is_refused(tmp_path):
    said = refused({"tokenizer": {"pretrained": "/models/tokenizer"}})
    assert said == "tokenizer.pretrained = '/models/tokenizer': no such folder: '/models/tokenizer'"
    empty = folder(tmp_path / "empty", "config.json")
    assert refused({"tokenizer": {"pretrained": str(empty)}}).endswith(
        f"the folder '{empty}' has no files of a tokenizer"
    )
    file = folder(tmp_path / "full", "tokenizer.json") / "tokenizer.json"
    assert "is a file; give the folder" in refused({"tokenizer": {"pretrained": str(file)}})
    check({"tokenizer": {"pretrained": str(file.parent)}})
    check({"tokenizer": {"pretrained": "meta-llama/Llama-3.3-70B-Instruct"}})


def test_text_that_is_not_there_is_refused(tmp_path):
    first, *others = MINIATURE["corpora"]
    for source, key, value in [
        ({"kind": "files", "paths": ["/text/*.jsonl"]}, "paths.0", "'/text/*.jsonl'"),
        ({"kind": "hub", "dataset": "/text/copy"}, "dataset", "'/text/copy'"),
    ]:
        corpora = [first | {"sources": [*first["sources"], source]}, *others]
        assert refused({"corpora": corpora}).startswith(f"corpora.0.sources.1.{key} = {value}: no such f")


def benchmark(**said: object) -> dict:
    return {"benchmarks": [{"name": "blimp"} | said]}


def test_rows_of_a_benchmark_that_are_not_there_are_refused(tmp_path):
    said = refused(benchmark(sources={"eng": {"dataset": "data/foblimp.jsonl"}}))
    assert said.startswith(
        "benchmarks.0.sources.eng.dataset = 'data/foblimp.jsonl': no such file or folder; the path is"
    )
    empty = folder(tmp_path / "empty")
    assert refused(benchmark(sources={"eng": {"dataset": str(empty)}})).endswith(": the folder is empty")
    check(benchmark(sources={"eng": {"dataset": "someone/blimp"}}))
    # mParaRel is no dataset of the hub: whatever is given is a clone of its repository.
    said = refused(benchmark(name="mpararel", sources={"swe": {"dataset": "clones/mpararel"}}))
    assert said.startswith("benchmarks.0.sources.swe.dataset = 'clones/mpararel': no such file or folder")


def test_lexicons_sentences_and_the_typology_table_are_there(tmp_path):
    own = {"name": "own", "use": "inflection", "limit": 5}
    lexicon = tmp_path / "isl.tsv"
    changes = benchmark(**own, inflection={"lexicons": {"isl": str(lexicon)}})
    assert refused(changes) == f"benchmarks.0.inflection.lexicons.isl = '{lexicon}': no such file"
    lexicon.write_text("a\tb\tN\n", encoding="utf-8")
    check(changes)
    text = {"isl": {"kind": "files", "paths": ["/text/isl.txt"]}}
    changes = benchmark(**own, inflection={"lexicons": {"isl": str(lexicon)}, "sentences": text})
    assert refused(changes) == "benchmarks.0.inflection.sentences.isl.paths.0 = '/text/isl.txt': no such file"
    said = refused({"comparison": {"typology": {"table": "/tables/x.csv", "package": None}}})
    assert said.startswith(
        "comparison.typology.table = '/tables/x.csv': no such file; give a CSV file with the columns"
    )


# --- ids of parallel text -------------------------------------------------------------------------------------------


def parallel(english: Path, own: Path, use: str = "parity", id_field: str | None = "id", **of_own: object) -> dict:
    """A study whose English and Swedish evaluation text lie in these files."""
    paths = {"own-eng": english, "own-swe": own}
    fields = {"own-eng": id_field, "own-swe": id_field} | of_own
    corpora = [
        {"name": n, "sources": [{"kind": "files", "paths": [str(p)], "id_field": fields[n]}], "heldout": 1.0}
        for n, p in paths.items()
    ]
    swedish, *others = MINIATURE["languages"]
    return {
        "corpora": [*MINIATURE["corpora"], *corpora],
        "english": {"evaluation": "own-eng"},
        "languages": [swedish | {"evaluation": "own-swe"}, *others],
        "benchmarks": [{"name": use, "limit": 5, "languages": ["swe"]}],
    }


def lines(path: Path, ids: list) -> Path:
    text = "".join(json.dumps({"id": i, "text": f"text {i}"}) + "\n" for i in ids)
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(text.encode()))
    else:
        path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("use", ["parity", "heldout_translation"])
@pytest.mark.parametrize("ending", [".jsonl", ".jsonl.gz"])
def test_text_without_an_english_id_is_refused(tmp_path, use, ending):
    english = lines(tmp_path / f"eng{ending}", [1, 2, 3])
    said = refused(parallel(english, lines(tmp_path / f"swe{ending}", ["sv-1", "sv-2"]), use))
    assert said.startswith(
        f"benchmarks.0.name = '{use}': has no item in 'swe': no document of the corpus 'own-swe' has "
    )
    check(parallel(english, lines(tmp_path / f"swe2{ending}", ["sv-1", "sv-2", "sv-3", "3"]), use))


def test_ids_that_are_made_of_file_names_are_compared_too(tmp_path):
    (tmp_path / "sv").mkdir()
    english, swedish = lines(tmp_path / "eng.jsonl", [1]), lines(tmp_path / "swe.jsonl", [1])
    assert "has no item in 'swe'" in refused(parallel(english, swedish, id_field=None))
    check(parallel(english, lines(tmp_path / "sv/eng.jsonl", [1]), id_field=None))
    for name in ("eng.txt", "swe.txt"):
        (tmp_path / name).write_text("One.\n\nTwo.\n", encoding="utf-8")
    assert "has no item in 'swe'" in refused(parallel(tmp_path / "eng.txt", tmp_path / "swe.txt"))


def test_what_cannot_be_known_is_left_to_the_job(tmp_path, monkeypatch):
    english, swedish = lines(tmp_path / "eng.jsonl", [1]), lines(tmp_path / "swe.jsonl", [2])
    (tmp_path / "broken.jsonl").write_text("no JSON\n", encoding="utf-8")
    check(parallel(english, tmp_path / "broken.jsonl"))
    check(parallel(english, swedish, id_field="identifier"))
    (tmp_path / "swe.parquet").write_bytes(b"PAR1")
    check(parallel(english, tmp_path / "swe.parquet"))
    monkeypatch.setattr("growmerge.config.checks.shared_ids.MOST_BYTES", 10)
    check(parallel(english, swedish))


def test_other_benchmarks_need_no_equal_ids(tmp_path):
    english, swedish = lines(tmp_path / "eng.jsonl", [1]), lines(tmp_path / "swe.jsonl", [2])
    check(parallel(english, swedish, use="acceptability"))
