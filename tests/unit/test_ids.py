"""Ids are made and taken apart by one grammar; names that would be mistaken for something else are refused."""

import ast
from pathlib import Path

import pytest

from growmerge import ids
from growmerge.config import load_files
from growmerge.errors import GrowmergeError
from growmerge.study.grid import Grid

ROOT = Path(__file__).parents[2]
FULL, MINIATURE = ROOT / "config/config.yaml", ROOT / "config/miniature.yaml"


@pytest.fixture(scope="module")
def grid():
    return Grid(load_files(FULL, MINIATURE))


def test_ids_are_read_as_they_are_made(grid):
    for merge in grid.merges:
        plain, step = ids.split_step(merge.combination)
        assert (ids.languages_of(plain), step) == (list(merge.languages), merge.step)
        assert ids.merge(merge.setup, reversed(merge.languages), merge.method, step) == merge.id
        assert ids.short_name(merge.id) == merge.method
        assert ids.without_method(merge.id) == f"{merge.setup}/{merge.combination}"
        assert ids.without_setup(merge.id) == f"{merge.combination}/{merge.method}"
    for model in grid.models:
        assert ids.adapted(model.setup, model.target) == model.id
        assert ids.split_step(ids.checkpoint(model.id, 250)) == (model.id, 250)


def test_ids_of_healed_merges_and_of_rounds_are_read_as_they_are_made():
    healed = ids.healed("2x", ["swe", "isl"], "ties", 0.05)
    assert healed == "2x/isl+swe/ties~5"
    assert ids.split_share(healed) == (ids.merge("2x", ["isl", "swe"], "ties"), 0.05)
    assert ids.healed("2x", ["isl", "swe"], ids.BASE, 0.025) == "2x/isl+swe/base~2.5"
    assert ids.split_share("2x/isl+swe/ties") == ("2x/isl+swe/ties", None)
    assert ids.in_rounds("1x", 4) == "1x-rounds-4"
    assert ids.in_rounds("1x", 4, number=1) == "1x-rounds-4.1"
    assert ids.in_rounds("1x", 4, "ties", 2) == "1x-rounds-4-ties.2"
    assert not ids.fault_of(ids.in_rounds("1x", 4, "ties", 2))


def refused(tmp_path, text, expected):
    """The one line with which a study is refused that has `text` in an overlay."""
    overlay = tmp_path / "mine.yaml"
    overlay.write_text(text, encoding="utf-8")
    with pytest.raises(GrowmergeError) as error:
        load_files(FULL, MINIATURE, overlay)
    (line,) = str(error.value).splitlines()
    for part in ("mine.yaml: ", *expected):
        assert part in line
    return line


BENCHMARK = "benchmarks: [{{name: {0}, use: facts, limit: 9}}]"
BASE = "bases: [{{name: {0}, from: random}}]"
SETUP = "setups: [{{name: {0}, base: base-2x}}]"
METHOD = "merging: {{methods: [{{name: {0}, method: linear, parameters: {{weight: 1.0}}}}]}}"
LANGUAGE = "languages: [{{code: {0}, name: X, corpus: swe, epochs: 1}}]"


@pytest.mark.parametrize(
    ("section", "name", "expected"),
    [
        (BASE, "random", ["bases.0.name = 'random': is taken: `from: random` means random weights"]),
        (BASE, "reference", ["bases.0.name = 'reference': is taken: results/{study}/scores/reference"]),
        (BASE, "external", ["bases.0.name = 'external': is taken: results/{study}/scores/external"]),
        (SETUP, "all", ["setups.0.name = 'all': is taken: tables call all setups together so"]),
        (SETUP, "reference", ["setups.0.name = 'reference': is taken"]),
        (SETUP, "external", ["setups.0.name = 'external': is taken"]),
        (BENCHMARK, "mean", ["benchmarks.0.name = 'mean': is taken: tables call the mean over measures so"]),
        (BENCHMARK, "all", ["benchmarks.0.name = 'all': is taken"]),
        (BENCHMARK, "macro", ["benchmarks.0.name = 'macro': is taken"]),
        (BENCHMARK, "listings", ["benchmarks.0.name = 'listings': is taken", "lists the benchmarks"]),
        (BENCHMARK, "parity_reference", ["benchmarks.0.name = 'parity_reference': is taken: the English sides"]),
        (METHOD, "a/b", ["merging.methods.0.name = 'a/b': no name may have '/'", "the parts of a model's id"]),
        (METHOD, "a@b", ["merging.methods.0.name = 'a@b': no name may have '@'", "the step of a checkpoint"]),
        (METHOD, "a+b", ["merging.methods.0.name = 'a+b': no name may have '+'", "the languages of a combination"]),
        (
            METHOD,
            "a~5",
            ["merging.methods.0.name = 'a~5': no name may have '~'", "the share of a merge that is trained on"],
        ),
        (METHOD, "base", ["merging.methods.0.name = 'base': is taken", "a control of healing"]),
        (METHOD, "'null'", ["merging.methods.0.name = 'null': is read as a missing value"]),
        (METHOD, "ensemble", ["merging.methods.0.name = 'ensemble': is taken", "the scores of the output ensemble"]),
        (LANGUAGE, "no", ["languages.0.code = False: YAML reads this as false", "quotation marks"]),
        (LANGUAGE, "on", ["languages.0.code = True: YAML reads this as true"]),
        (LANGUAGE, "nan", ["languages.0.code = 'nan': is read as a missing value from the tables in CSV"]),
        (LANGUAGE, ".nan", ["languages.0.code = nan: YAML reads this as a number"]),
        (LANGUAGE, "sv", ["languages.0.code = 'sv': is not a code of ISO 639-3: three lower-case letters"]),
        ("study: {0}", "downloads", ["study = 'downloads': is taken: results/downloads"]),
        ("study: {0}", "2026", ["study = 2026: YAML reads this as a number"]),
    ],
)
def test_a_name_with_another_meaning_is_refused_in_one_line(tmp_path, section, name, expected):
    refused(tmp_path, section.format(name), expected)


def test_every_word_that_the_code_uses_as_a_name_is_reserved():
    assert ids.reserved("base", ids.RANDOM)
    for kind in ("base", "setup"):
        assert ids.reserved(kind, ids.EXTERNAL)
        assert ids.reserved(kind, ids.REFERENCE)
    assert ids.reserved("setup", ids.ALL)
    assert ids.reserved("method", ids.BASE)
    for word in (ids.ALL, ids.MACRO, ids.MEAN, ids.parity_reference("parity"), ids.LISTINGS):
        assert ids.reserved("benchmark", word)
    assert not ids.reserved("benchmark", "parity")
    assert ids.is_parity_reference(ids.parity_reference("flores")) and not ids.is_parity_reference("parity")


# Signs of the grammar that mean something else there: commits and licences of the hub, tags of UniMorph, other paths.
ELSEWHERE = {"ids.py", "config/references.py", "benchmarks/inflection/features.py", "data/hub.py", "training/state.py"}


def test_no_other_module_takes_ids_apart_or_puts_them_together():
    """Neither by splitting or joining at a sign of the grammar, nor by an f-string of a setup and what follows it."""
    found = []
    for path in sorted((ROOT / "src/growmerge").rglob("*.py")):
        name = path.relative_to(ROOT / "src/growmerge").as_posix()
        if name in ELSEWHERE:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                method, signs = node.func.attr, [a.value for a in node.args if isinstance(a, ast.Constant)]
                own = isinstance(node.func.value, ast.Constant) and node.func.value.value in ("+", "@")
                if (method in ("split", "rsplit", "partition", "rpartition") and set(signs) & {"+", "@"}) or (
                    method == "join" and own
                ):
                    found.append(f"{name}:{node.lineno}")
            if isinstance(node, ast.JoinedStr):
                text = ast.unparse(node)
                if "setup}/" in text and "results}" not in text:
                    found.append(f"{name}:{node.lineno}")
    assert found == []
