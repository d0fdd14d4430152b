"""The registry and what a study may say of its benchmarks."""

import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from growmerge.benchmarks.build import build_benchmark
from growmerge.benchmarks.conversion import HeldOut
from growmerge.benchmarks.converters import find_converter
from growmerge.catalogue.benchmarks import REGISTRY
from growmerge.catalogue.entry import INFLECTION, Decoding, Metric
from growmerge.config.benchmarks import Benchmark
from growmerge.config.load import load_files, merge_mappings, read_yaml, validate
from growmerge.data.documents import Document
from growmerge.errors import GrowmergeError

PATH = {"sources": {"fao": {"dataset": "pairs.jsonl"}}}


def file_source(name, language, **more):
    return {"name": name, "sources": {language: {"dataset": "x.jsonl", **more}}}


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"name": "blimpp"}, "no benchmark 'blimpp' in the registry; set `use` to one of acceptability, .*blimp"),
        ({"name": "x", "use": "facts"}, "'x' is made by the study, so it needs a `limit`"),
        ({"name": "facts", "limit": 9, "fields": {"right": "a"}}, "`fields` does not apply to 'facts'"),
        ({"name": "blimp", "few_shot": 5}, "`few_shot` does not apply to 'blimp'"),
        ({"name": "blimp", "packages": {"eng": "p"}}, "`packages` does not apply to 'blimp'"),
        ({"name": "blimp", "fields": {"good": "a"}}, "'blimp' has no 'good'; it has right, wrong"),
        (
            {"name": "foblimp", "languages": ["fao"]},
            r"no public rows in 'fao'; name a dataset in `sources.fao.dataset`",
        ),
        ({"name": "multiblimp", "languages": ["zho"]}, "no public rows in 'zho'"),
        ({"name": "multiblimp", "sources": {"zho": {"splits": ["train"]}}}, "no public rows in 'zho'"),
        ({"name": "inflection"}, "`inflection` is required with `use: inflection`"),
        (
            {"name": "inflection", "languages": ["isl"], "inflection": {"lexicons": {"swe": "x"}}},
            "no lexicon for 'isl'; name one in `inflection.lexicons`",
        ),
        ({"name": "facts", "limit": 9, "max_words": 5}, "`max_words` does not apply to 'facts'"),
        ({"name": "dalaj", "gap": "_"}, "`gap` does not apply to 'dalaj'"),
        ({"name": "blimp", "inflection": {"lexicons": {"eng": "x"}}}, "`inflection` is required with"),
        ({"name": "blimp", "normalisation": "words"}, "'sum', 'token' or 'character'"),
        ({"name": "translation", "normalisation": "token"}, "`normalisation` does not apply to 'translation'"),
        ({"name": "blimp", "max_new_tokens": 5}, "`max_new_tokens` does not apply to 'blimp'"),
        ({"name": "belebele", "sampling": {"top_p": 0.9}}, "`sampling` does not apply to 'belebele'"),
        ({"name": "translation", "sampling": {"temperature": 0}}, "sampling.temperature"),
        ({"name": "translation", "sampling": {"top_p": 1.5}}, "sampling.top_p"),
        ({"name": "translation", "max_new_tokens": 0}, "max_new_tokens"),
        ({"name": "heldout_translation"}, "'heldout_translation' is made by the study, so it needs a `limit`"),
        ({"name": "t", "use": "heldout_translation", "limit": 9, "fields": {"text": "a"}}, "`fields` does not apply"),
        ({"name": "exam_et", "gap": "("}, r"gap\n.*'\(' is not a regular expression: missing \)"),
        ({"name": "exam_et", "gap": "(_+)"}, r"'\(_\+\)' has a group; write \(\?:\.\.\.\)"),
        ({"name": "exam_et", "gap": "_*"}, r"'_\*' also matches an empty text"),
        (file_source("blimp", "eng", configs=["a"]), r"sources\.eng\.configs = \['a'\]: 'x\.jsonl' is a file"),
        (file_source("blimp", "eng", splits=["test"]), r"sources\.eng\.splits = \['test'\]: 'x\.jsonl' is a file"),
        (file_source("belebele", "swe", examples="dev"), r"sources\.swe\.examples = 'dev': 'x\.jsonl' is a file"),
        (file_source("belebele", "swe", revision="v1"), r"sources\.swe\.revision = 'v1': 'x\.jsonl' is a file"),
        ({"name": "icelandic_ged", "sources": {"isl": {"splits": ["a"]}}}, r"ice_benchmark_set\.jsonl' is a file"),
        (
            {"name": "blimp", "sources": {"eng": {"sha256": "0" * 64}}},
            r"sources\.eng\.sha256 = '0+': .* is not a single file",
        ),
        (file_source("flores", "swe"), r"sources\.swe\.dataset = 'x\.jsonl': a file has only one language; .*folder"),
        (file_source("translation", "eng"), r"sources\.eng\.dataset = 'x\.jsonl': a file has only one language"),
    ],
)
def test_what_makes_no_sense_is_refused(keys, message):
    with pytest.raises(ValidationError, match=message):
        Benchmark(**keys)


def test_a_benchmark_has_the_languages_of_its_rows():
    languages = ["eng", "zho", "fao", "ekk"]
    assert [code for code in languages if Benchmark(name="multiblimp").has(code)] == ["eng", "fao", "ekk"]
    assert [code for code in languages if Benchmark(name="facts", limit=1).has(code)] == languages
    assert [code for code in languages if Benchmark(name="foblimp").has(code)] == []
    assert [code for code in languages if Benchmark(name="foblimp", **PATH).has(code)] == ["fao"]
    assert [code for code in languages if Benchmark(name="multiblimp", languages=["ekk"]).has(code)] == ["ekk"]
    added = Benchmark(name="multiblimp", sources={"zho": {"dataset": "jumelet/multiblimp", "configs": ["zho"]}})
    assert added.has("zho") and added.has("fao")
    lexicons = {"lexicons": {"zho": "zho.tsv"}}
    assert [c for c in languages if Benchmark(name="inflection", inflection=lexicons).has(c)] == ["zho"]


def test_what_a_study_says_goes_over_the_registry_and_a_moved_dataset_leaves_the_revision():
    benchmark = Benchmark(
        name="cloze", use="hellaswag", few_shot=0, limit=7, normalisation="token", sources={"deu": {"dataset": "here"}}
    )
    entry, dataset = benchmark.entry, benchmark.dataset("deu")
    assert (entry.few_shot, entry.limit, entry.metric) == (0, 7, Metric("accuracy", "token"))
    assert (dataset.id, dataset.configs, dataset.splits, dataset.revision) == ("here", ("de",), ("validation",), None)
    assert benchmark.dataset("fra").revision == "fb6b5f2b48a6348ae2a9467a6714c3a054fa8d85"
    with pytest.raises(KeyError):
        benchmark.dataset("fin")


@pytest.mark.parametrize("name", ["belebele", "hellaswag", "xcsqa"])
def test_cloze_is_as_the_paper_prints_it(name):
    entry = Benchmark(name=name).entry
    assert (entry.few_shot, entry.limit, entry.metric) == (5, 1000, Metric("accuracy", "character"))


def test_the_other_side_of_parallel_text_moves_with_it():
    local = {"sources": {"swe": {"dataset": "/data/flores"}}}
    benchmark = Benchmark(name="translation", **local)
    assert benchmark.counterpart("swe").id == "/data/flores"
    assert benchmark.counterpart("swe").configs == ("eng_Latn",)
    assert benchmark.counterpart("eng").configs == ("fra_Latn",)
    assert benchmark.counterpart("ekk").id == "openlanguagedata/flores_plus"
    added = Benchmark(name="flores", sources={"fin": {"dataset": "/data/flores", "configs": ["fin_Latn"]}})
    assert (added.counterpart("fin").id, added.counterpart("fin").configs) == ("/data/flores", ("eng_Latn",))


def test_local_files_are_inputs_and_names_of_the_hub_are_not(tmp_path):
    path = tmp_path / "pairs.jsonl"
    path.write_text("{}")
    sources = {"fao": {"dataset": str(path)}, "isl": {"dataset": "owner/name"}}
    benchmark = Benchmark(name="multiblimp", sources=sources)
    assert (benchmark.files("fao"), benchmark.files("isl"), benchmark.files("ekk")) == ([str(path)], [], [])
    text = tmp_path / "articles.txt"
    text.write_text("x")
    own = {"lexicons": {"swe": str(path)}, "sentences": {"swe": {"kind": "files", "paths": [str(text)]}}}
    assert Benchmark(name="inflection", inflection=own).files("swe") == [str(path), str(text)]
    hub = {"lexicons": {"isl": "islenska"}, "sentences": {"isl": {"kind": "hub", "dataset": "owner/wikipedia"}}}
    assert Benchmark(name="inflection", inflection=hub).files("isl") == []


def test_of_a_folder_every_file_is_an_input_as_a_folder_s_time_says_nothing_of_their_edits(tmp_path):
    names = ["README.md", "isl/test.parquet", "isl/train.parquet", ".git/index", "patterns/sv/P1.jsonl"]
    for name in [*names, "tuples/sv/P1.jsonl", "tuples/is/P1.jsonl"]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")

    def files(name, language, folder=tmp_path):
        found = Benchmark(name=name, sources={language: {"dataset": str(folder)}}).files(language)
        return [str(Path(file).relative_to(tmp_path)) for file in found]

    assert files("multiblimp", "isl", tmp_path / "isl") == ["isl/test.parquet", "isl/train.parquet"]
    assert files("multiblimp", "isl")[:2] == ["README.md", "isl/test.parquet"] and len(files("multiblimp", "isl")) == 6
    assert files("mpararel", "swe") == ["patterns/sv/P1.jsonl", "tuples/sv/P1.jsonl"]
    assert files("multiblimp", "isl", tmp_path / "nowhere") == []


def test_the_part_of_a_language_is_all_that_its_items_depend_on():
    sources = {"fao": {"dataset": "a"}, "isl": {"dataset": "b"}}
    benchmark = Benchmark(name="multiblimp", sources=sources, normalisation="token", limit=3)
    part = benchmark.part("fao")
    assert part["sources"].keys() == {"fao"}
    assert "normalisation" not in part
    rebuilt = Benchmark.model_validate(part)
    assert (rebuilt.dataset("fao"), rebuilt.limit) == (benchmark.dataset("fao"), 3)
    own = Benchmark(name="inflection", inflection={"lexicons": {"swe": "s", "isl": "i"}})
    assert Benchmark.model_validate(own.part("swe")).inflection.lexicons == {"swe": "s"}


def test_what_is_generated_says_how_it_is_decoded_and_nothing_else_does():
    assert Benchmark(name="belebele").decoding(3) is None
    assert Benchmark(name="translation").decoding(3) == Decoding(256), "greedy, so no seed can change it"
    drawn = Benchmark(name="translation", max_new_tokens=40, sampling={"temperature": 0.5, "top_k": 50})
    assert drawn.decoding(3) == Decoding(40, temperature=0.5, top_k=50, top_p=1.0, seed=3)
    assert Benchmark(name="translation", sampling={}).decoding(3) == Decoding(256, temperature=1.0, seed=3)
    plain = Benchmark(name="translation")
    assert drawn.part("swe") == plain.part("swe"), "the prompts are the same"
    assert plain.measured[0] == Benchmark(name="translation", use="heldout_translation", limit=9).measured[0]


def test_translation_without_the_hub_takes_held_out_text_and_leaves_long_sentences_out():
    source = [Document(f"d{n}", f"text number {n}") for n in range(8)]
    target = [Document(f"d{n}", f"text nummer {n}" + " och mer" * (n == 3)) for n in range(8)]
    benchmark = Benchmark(name="translation", use="heldout_translation", limit=20, few_shot=1, max_words=3)
    heldout = HeldOut(target, source, origin="eng")
    built = build_benchmark(benchmark, "swe", seed=0, heldout=heldout)
    assert len(built.items) == built.facts["kept"] == 6
    assert built.facts["few_shot"] == 1
    assert all(item.context.startswith("EN: text number ") for item in built.items)
    (first, *_) = build_benchmark(benchmark, "eng", seed=0, heldout=HeldOut(source, target, origin="swe")).items
    assert first.context.startswith("SV: text nummer ") and first.context.endswith(" EN:")


def test_plans_count_with_the_printed_number_of_items_or_the_limit():
    assert Benchmark(name="blimp").size("eng") == 67000
    assert Benchmark(name="blimp", limit=500).size("eng") == 500
    assert Benchmark(name="belebele").size("deu") == 1000
    assert Benchmark(name="multiblimp", limit=5000).size("isl") == 2801


def test_every_entry_has_a_converter_and_every_count_a_language():
    for name, entry in REGISTRY.items():
        if entry.converter != INFLECTION:
            assert callable(find_converter(entry.converter)), name
        if entry.languages is not None:
            assert entry.counts.keys() <= entry.languages.keys(), name
            assert entry.counterparts.keys() <= entry.languages.keys(), name


def test_a_benchmark_without_a_public_source_says_where_to_name_one():
    with pytest.raises(GrowmergeError, match=r"foblimp in fao: has no public source; .*`sources\.fao\.dataset`"):
        build_benchmark(Benchmark(name="foblimp"), "fao", seed=0)


def test_benchmarks_that_are_made_here_go_through_the_same_door():
    documents = [Document(f"d{n}", f"this is the sentence with number x{'x' * n} in it") for n in range(9)]
    benchmark = Benchmark(name="acceptability", limit=5)
    built = build_benchmark(benchmark, "swe", seed=0, heldout=HeldOut(documents))
    assert len(built.items) == built.facts["kept"] == 5
    assert {item.subset for item in built.items} == {"word_order"}
    named = Benchmark(name="knowledge", use="facts", limit=4)
    assert "CLDR" in build_benchmark(named, "swe", seed=0).facts["attribution"]


def test_the_registry_and_the_configuration_import_nothing_heavy():
    heavy = ["torch", "transformers", "pandas", "numpy", "pyarrow", "datasets"]
    code = f"import sys, growmerge.config.benchmarks; print([m for m in {heavy} if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


CONFIG = Path(__file__).parents[2] / "config"
MINIATURE = merge_mappings(read_yaml(CONFIG / "config.yaml"), read_yaml(CONFIG / "miniature.yaml"))


@pytest.mark.parametrize(
    ("benchmark", "message"),
    [
        ({"name": "foblimp"}, "name = 'foblimp': has no rows in any language of this study"),
        ({"name": "multiblimp", "sources": {"deu": {"dataset": "x"}}}, r"sources\.deu = 'deu': no such language"),
        (
            {"name": "inflection", "inflection": {"lexicons": {"swe": "s", "deu": "x"}}},
            r"inflection\.lexicons\.deu = 'deu': no such language",
        ),
        (
            {"name": "translation", "sampling": {"temperatur": 1}},
            r"sampling\.temperatur = 1: unknown key; did you mean 'temperature'",
        ),
    ],
)
def test_benchmarks_are_held_against_the_study(benchmark, message):
    with pytest.raises(GrowmergeError, match=rf"benchmarks\.0\.{message}"):
        validate(MINIATURE | {"benchmarks": [benchmark]})


def test_a_study_can_have_any_benchmark_of_the_registry():
    own = {"name": "own", "use": "inflection", "inflection": {"lexicons": {"swe": "swe.tsv"}}}
    made = [
        {"name": name, "limit": 9}
        for name in ("acceptability", "facts", "parity", "bits_per_byte", "heldout_translation")
    ]
    read = [{"name": n} for n, e in REGISTRY.items() if e.languages and n != "foblimp"]
    read = [b | ({"sources": {"swe": {"dataset": "m"}}} if b["name"] == "mpararel" else {}) for b in read]
    study = validate(MINIATURE | {"benchmarks": [*made, *read, own]})
    assert len(study.benchmarks) == len(REGISTRY) - 1  # Faroese, of foblimp, is no language of the miniature
    assert validate(study.dump(*type(study).model_fields)) == study


@pytest.mark.parametrize("overlay", [[], ["limits-of-merging.yaml"]])
def test_the_corpora_of_parallel_sentences_are_those_of_the_benchmark(overlay):
    """A corpus that is evaluated on reads the dataset, configuration, split and revision that the registry pins."""
    study = load_files(CONFIG / "config.yaml", *(CONFIG / file for file in overlay))
    evaluated = {study.english.code: study.english.evaluation} | {x.code: x.evaluation for x in study.languages}
    assert len(evaluated) == (10 if overlay else 6)
    for code, name in evaluated.items():
        (source,) = study.corpus(name).sources
        registered = REGISTRY["flores"].languages[code]
        assert source.dataset == registered.id
        assert ((source.config,), (source.split,)) == (registered.configs, registered.splits)
        assert source.revision == registered.revision is not None
