"""A configuration is right, or refused with one line that names file, key, value and the nearest spelling."""

import copy
from pathlib import Path

import pytest
import yaml

from growmerge.config import describe, load_files, validate
from growmerge.config.load import merge_mappings, read_yaml
from growmerge.errors import GrowmergeError

ROOT = Path(__file__).parents[2]
FULL, MINIATURE = ROOT / "config/config.yaml", ROOT / "config/miniature.yaml"


@pytest.fixture
def data():
    return merge_mappings(read_yaml(FULL), read_yaml(MINIATURE))


def test_the_shipped_configurations_are_valid():
    assert load_files(FULL).language_codes == ["swe", "isl", "fao", "ekk", "fas"]
    assert load_files(FULL, MINIATURE).study == "miniature"


def test_the_miniature_says_only_what_differs():
    full, overlay = read_yaml(FULL), read_yaml(MINIATURE)
    same = [
        f"{section}.{key}"
        for section, values in overlay.items()
        if isinstance(values, dict)
        for key, value in values.items()
        if full.get(section, {}).get(key, "absent") == value
    ]
    assert same == []


def test_schema_and_key_tables_match_the_models():
    assert (ROOT / "config/schema.json").read_text(encoding="utf-8") == describe.schema(), "run `make config-docs`"
    assert (ROOT / "config/README.md").read_text(encoding="utf-8") == describe.readme(), "run `make config-docs`"


def test_every_key_has_a_meaning():
    rows = [line.split("|") for line in describe.readme().splitlines() if line.startswith("| `")]
    assert len(rows) > 150
    assert [row[1].strip() for row in rows if not row[-2].strip(" .")] == []


def test_no_meaning_is_a_fragment():
    """Sentences such as "Of a sentence." are riddles in a table that is read row by row."""
    rows = [line.split("|") for line in describe.readme().splitlines() if line.startswith("| `")]
    assert [row[1].strip() for row in rows if row[-2].strip().startswith("Of ")] == []


def test_no_heading_is_there_twice():
    headings = [line for line in describe.readme().splitlines() if line.startswith("#")]
    assert len(headings) == len(set(headings))


def test_a_heading_has_the_keys_of_short_languages_too():
    (heading,) = [line for line in describe.readme().splitlines() if line.endswith(": Expected")]
    assert "`languages.expected`" in heading


def test_every_file_in_config_is_named():
    files = {path.name for path in (ROOT / "config").iterdir()} - {"README.md"}
    preamble = describe.readme().partition("## ")[0]
    assert {name for name in files if f"| `{name}` |" not in preamble} == set()


def set_at(data, path, value):
    *parents, last = path
    for part in parents:
        data = data[part]
    data[last] = value


def inflection(**own):
    return [{"name": "own", "use": "inflection", "limit": 5, "inflection": {"lexicons": {"isl": "isl"}} | own}]


CASES = {
    "unknown key": (
        ("training", "learning_rat"),
        0.1,
        ["training.learning_rat", "0.1", "did you mean 'learning_rate'"],
    ),
    "unknown section": (("trainin",), {}, ["trainin", "did you mean 'training'"]),
    "wrong type": (("training", "batch_sequences"), "many", ["training.batch_sequences", "'many'", "integer"]),
    "number written as YAML reads text": (("training", "learning_rate"), "3e-3", ["training.learning_rate", "'3e-3'"]),
    "out of range": (("training", "decay_share"), 1.5, ["training.decay_share", "1.5"]),
    "unknown language": (("replay", "reference"), "sve", ["replay.reference", "'sve'", "did you mean 'swe'"]),
    "duplicate language": (("languages", 1, "code"), "swe", ["languages.1", "'swe'", "twice"]),
    "not ISO 639-3": (("languages", 0, "code"), "sv", ["languages.0.code", "'sv'"]),
    "merge size beyond the languages": (("merging", "sizes"), [2, 5], ["merging.sizes.1", "5", "only 4 languages"]),
    "missing corpus": (("languages", 0, "corpus"), "swee", ["languages.0.corpus", "'swee'", "did you mean 'swe'"]),
    "missing package": (
        ("corpora", 2, "sources", 0, "packages"),
        ["djano"],
        ["corpora.2.sources.0.packages.0", "'djano'", "did you mean 'django'"],
    ),
    "no source": (("corpora", 2, "sources"), [], ["corpora.2.sources", "at least 1"]),
    "unknown kind of source": (("corpora", 2, "sources", 0, "kind"), "package", ["corpora.2.sources.0", "'packages'"]),
    "unknown key of a source": (
        ("corpora", 2, "sources", 0, "local"),
        "sv",
        ["sources.0.local", "did you mean 'locale'"],
    ),
    "parts that do not add up": (("corpora", 1, "parts", 0, "share"), 0.7, ["corpora.1.parts", "0.89", "add up to 1"]),
    "nothing held out": (("corpora", 1, "heldout"), 0.0, ["corpora.1.heldout", "holds nothing out"]),
    "unknown base": (("setups", 0, "base"), "base1x", ["setups.0.base", "'base1x'", "did you mean 'base-1x'"]),
    "base before its parent": (("bases", 1, "from"), "base-1x", ["bases.1.from", "'base-1x'", "base above it"]),
    "neither cloned nor trained": (("bases", 2, "train"), [], ["bases.2", "'base-1x'", "either"]),
    "unknown method in a figure": (("analysis", "pairwise_method"), "tie", ["pairwise_method", "did you mean 'ties'"]),
    "a separator in a name": (("setups", 0, "name"), "1x/b", ["setups.0.name", "'1x/b'"]),
    "setup named like a base": (("setups", 0, "name"), "seed", ["setups.0.name", "'seed'", "name of a base"]),
    "heads that do not divide": (("architecture", "num_key_value_heads"), 3, ["architecture", "not a multiple"]),
    "sequences beyond the positions": (
        ("training", "sequence_length"),
        129,
        ["training.sequence_length", "129", "128"],
    ),
    "a benchmark in a language of no one": (
        ("benchmarks", 0, "languages"),
        ["eng", "sve"],
        ["benchmarks.0.languages.1", "'sve'", "did you mean 'swe'"],
    ),
    "unknown key of a list of ids": (
        ("corpora", 1, "parts", 1, "ids"),
        {"kind": "files", "paths": ["a"], "idfield": "id"},
        ["corpora.1.parts.1.ids.idfield", "did you mean 'id_field'"],
    ),
    "no epochs and no rule": (("languages", 2, "epochs"), None, ["languages.2.epochs", "'ekk'", "unimax"]),
    "UniMax without characters": (
        ("unimax",),
        {"characters": 1e6, "max_epochs": 4},
        ["languages.0.corpus", "'swe'", "expected.characters"],
    ),
    "UniMax of an unknown language": (
        ("unimax",),
        {"characters": 1e6, "max_epochs": 4, "fixed": {"sve": 1}},
        ["unimax.fixed.sve", "did you mean 'swe'"],
    ),
    "fixed languages that use up the budget": (
        ("unimax",),
        {"characters": 240000, "max_epochs": 4, "fixed": {"isl": 2.4}},
        ["unimax.characters = 240000.0: is used up", "which take 240000;", "increase it, or state the `epochs` of swe"],
    ),
    "languages that models may be scored in": (
        ("scoring", "languages"),
        "both",
        ["scoring.languages = 'both'", "'own' or 'all'"],
    ),
    "a checkpoint from nowhere": (("bases", 0, "from"), "hub:only-a-name", ["bases.0.from", "'hub:only-a-name'"]),
    "a target that is not there": (
        ("setups", 0, "from"),
        {"sve": "folder:x"},
        ["setups.0.from.sve", "did you mean 'swe'"],
    ),
    "a width of what is trained here": (("bases", 2, "width"), 2, ["bases.2.width", "from elsewhere"]),
    "a setup in the place of external models": (("setups", 0, "name"), "external", ["setups.0.name", "is taken"]),
    "the same external model twice": (
        ("external",),
        [{"name": "a", "from": "hub:a/b"}, {"name": "a", "from": "hub:a/c"}],
        ["external.1", "'a'", "twice"],
    ),
    "published base of no setup": (
        ("merging", "published_bases"),
        [{"setup": "3x", "base": "init"}],
        ["merging.published_bases.0.setup", "'3x'"],
    ),
    "unknown key under a language": (
        ("benchmarks",),
        [{"name": "blimp", "sources": {"eng": {"datset": "x"}}}],
        ["benchmarks.0.sources.eng.datset = 'x'", "did you mean 'dataset'"],
    ),
    "unknown key of a kind under a language": (
        ("benchmarks",),
        inflection(sentences={"swe": {"kind": "files", "paths": ["a"], "txt_field": "x"}}),
        ["benchmarks.0.inflection.sentences.swe.txt_field = 'x'", "did you mean 'text_field'"],
    ),
    "unknown key under a language that is called like a kind": (
        ("benchmarks",),
        inflection(sentences={"hub": {"kind": "hub", "dataset": "a/b", "splitt": "x"}}),
        ["benchmarks.0.inflection.sentences.hub.splitt = 'x'", "did you mean 'split'"],
    ),
    "a language that is no code": (
        ("benchmarks",),
        inflection(lexicons={"swedish": "x"}),
        ["benchmarks.0.inflection.lexicons.swedish = 'swedish'"],
    ),
    "unknown dimension of inflection": (
        ("benchmarks",),
        inflection(dimensions={"N": ["Case", "Numbr"]}),
        ["benchmarks.0.inflection.dimensions.N.1 = 'Numbr'", "did you mean 'Number'"],
    ),
    "a tag in the place of its dimension": (
        ("benchmarks",),
        inflection(dimensions={"V.PTCP": ["PL"]}),
        ["benchmarks.0.inflection.dimensions.V.PTCP.0 = 'PL'", "known: Aktionsart, ", "Argument_Marking"],
    ),
    "unknown part of speech": (
        ("benchmarks",),
        inflection(dimensions={"Noun": ["Number"]}),
        ["benchmarks.0.inflection.dimensions.Noun = 'Noun'", "known: ADJ, "],
    ),
    "a word class of BÍN without BÍN": (
        ("benchmarks",),
        inflection(dimensions={"pfn": ["Case"]}),
        ["benchmarks.0.inflection.dimensions.pfn = 'pfn'", "part of speech"],
    ),
    "sentences in a language of no one": (
        ("benchmarks",),
        inflection(sentences={"sve": {"kind": "files", "paths": ["a"]}}),
        ["benchmarks.0.inflection.sentences.sve = 'sve'", "did you mean 'swe'"],
    ),
    "no length of a sentence is left": (
        ("benchmarks",),
        inflection(min_words=9, max_words=8),
        ["benchmarks.0.inflection.min_words = 9", "max_words is 8"],
    ),
    "a tokenizer from nowhere": (("tokenizer", "corpora"), [], ["tokenizer.corpora", "empty"]),
}


# What a case needs beside its own value.
COUNTED = {"documents": 10, "tokens": 1000, "characters": 100000}
WITH = {
    "UniMax without characters": [(("languages", 0, "epochs"), None)],
    "fixed languages that use up the budget": [
        *((("languages", place, "epochs"), None) for place in (0, 1)),
        *((("corpora", place, "expected"), COUNTED) for place in (2, 3, 4, 5)),
    ],
}


@pytest.mark.parametrize("case", CASES)
def test_refused_with_key_value_and_advice(case, data):
    path, value, expected = CASES[case]
    set_at(data, path, value)
    for beside in WITH.get(case, []):
        set_at(data, *beside)
    with pytest.raises(GrowmergeError) as error:
        validate(data)
    for part in expected:
        assert part in str(error.value)


def test_bin_adds_word_classes_of_its_own(data):
    dimensions = {"N": ["Case"], "V.PTCP": ["Number"], "pfn": ["Case"], "V.NFIN": ["Gender"]}
    data["benchmarks"] = inflection(lexicons={"isl": "islenska"}, dimensions=dimensions, min_words=5, max_words=5)
    data["benchmarks"].append({"name": "bits_per_byte", "limit": 9})
    assert validate(data).benchmarks[0].inflection.dimensions == dimensions


def test_the_error_names_the_file_that_holds_the_key(tmp_path):
    overlay = tmp_path / "mine.yaml"
    overlay.write_text("training: {learning_rate: fast}\n", encoding="utf-8")
    with pytest.raises(GrowmergeError, match=r"mine.yaml: training.learning_rate = 'fast'"):
        load_files(FULL, overlay)
    overlay.write_text("training: {log_every: 5}\n", encoding="utf-8")
    broken = tmp_path / "broken.yaml"
    text = FULL.read_text(encoding="utf-8").replace("learning_rate: 0.003", "learning_rate: -1.0")
    broken.write_text(text, encoding="utf-8")
    with pytest.raises(GrowmergeError, match=r"broken.yaml: training.learning_rate = -1.0"):
        load_files(broken, overlay)


def test_a_missing_key_is_named(data):
    del data["training"]["learning_rate"]
    with pytest.raises(GrowmergeError, match=r"training.learning_rate: is missing"):
        validate(data)


def test_a_file_that_is_not_yaml_is_named(tmp_path):
    file = tmp_path / "a.yaml"
    file.write_text("a: [", encoding="utf-8")
    with pytest.raises(GrowmergeError, match=r"a.yaml:1: is not YAML"):
        load_files(file)
    with pytest.raises(GrowmergeError, match=r"absent.yaml: cannot be read"):
        load_files(tmp_path / "absent.yaml")


def test_many_problems_are_listed_but_not_endlessly(data):
    for number in range(8):
        data[f"nonsense{number}"] = number
    with pytest.raises(GrowmergeError) as error:
        validate(data)
    assert len(str(error.value).splitlines()) == 6
    assert "and 3 more" in str(error.value)


def test_validation_leaves_the_data_alone(data):
    before = copy.deepcopy(data)
    validate(data)
    assert data == before
    assert yaml.safe_dump(data) == yaml.safe_dump(before)
