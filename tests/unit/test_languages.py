"""The catalogue of languages: its codes, its sizes, and what benchmarks call a language."""

import csv
from pathlib import Path

import pytest

from growmerge.catalogue.benchmarks import REGISTRY
from growmerge.catalogue.codes import FLORES_200, TWO_LETTERS
from growmerge.catalogue.languages import TABLE, configurations, languages, same_language, settle
from growmerge.config import load_files

ROOT = Path(__file__).parents[2]


def test_every_code_and_synonym_leads_to_one_language_and_back():
    owners = {}
    for code, rows in languages().items():
        assert settle(code) == code
        for known in rows:
            for synonym in known.synonyms:
                assert settle(synonym) == code
                assert owners.setdefault(synonym, code) == code


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [("est", "ekk"), ("pes", "fas"), ("arb", "ara"), ("cmn", "zho"), ("nor", "nob"), ("lav", "lvs"), ("sv", "swe")],
)
def test_codes_of_other_lists_are_settled(theirs, ours):
    assert settle(theirs) == ours


def test_two_codes_of_one_language_are_told():
    assert same_language(["swe", "ekk", "est"]) == ("ekk", "est")
    assert same_language(["swe", "nob", "nno", "qqq", "qqr"]) is None


@pytest.mark.parametrize("benchmark", ["flores", "multiblimp", "belebele", "global_piqa"])
def test_what_a_benchmark_calls_a_language_leads_back_to_it(benchmark):
    """`est_Latn` is of ekk, and of no other language."""
    found = configurations(benchmark)
    assert len(set(found.values())) == len(found)
    for code, configuration in found.items():
        assert settle(configuration.split("_")[0]) == code


def test_the_numbers_of_languages_are_those_that_the_benchmarks_state():
    assert len(configurations("belebele")) == 122 - 7, "less other scripts of a language: six Latin, one Han"
    assert len(configurations("multiblimp")) == 101 - 10, "less those that FineWeb-2 does not have"
    assert {code for code, two in TWO_LETTERS.items() if settle(two) != code} == set()


def test_the_codes_of_the_studies_are_those_of_the_table():
    """They were written by hand, from the papers' public results, before there was the table."""
    belebele, multiblimp = (REGISTRY[name].languages for name in ("belebele", "multiblimp"))
    assert {code: belebele[code].configs for code in FLORES_200 if code != "fao"} == {
        code: (configuration,) for code, configuration in FLORES_200.items() if code != "fao"
    }
    own = {"ekk": "est", "ara": "arb"} | {c: c for c in FLORES_200 if c not in ("ekk", "ara", "zho")}
    assert {code: multiblimp[code].configs for code in own} == {code: (name,) for code, name in own.items()}
    assert "zho" not in multiblimp
    flores = REGISTRY["flores"].languages
    assert (flores["zho"].configs, flores["ekk"].configs, flores["nob"].configs) == (
        ("cmn_Hans",),
        ("ekk_Latn",),
        ("nob_Latn",),
    )


def test_sizes_agree_with_those_of_the_shipped_study():
    """Documents exactly; characters and tokens, which are estimated from bytes, within limits."""
    for corpus in load_files(ROOT / "config/config.yaml").corpora:
        if corpus.name in languages() and corpus.expected:
            known = languages()[corpus.name][0]
            assert known.documents == corpus.expected.documents
            assert known.characters == pytest.approx(corpus.expected.characters, rel=0.1)
            assert known.tokens == pytest.approx(corpus.expected.tokens, rel=0.35)


def test_the_table_states_source_date_and_licence_and_has_no_holes():
    head = [line for line in TABLE.read_text(encoding="utf-8").splitlines() if line.startswith("#")]
    wanted = ("ODC-By", "2026-11-28", "CC BY-SA 4.0", "Unicode License")
    assert [words for words in wanted if words not in " ".join(head)] == []
    with TABLE.open(encoding="utf-8") as file:
        rows = list(csv.DictReader((line for line in file if not line.startswith("#")), delimiter="\t"))
    assert len(rows) > 1800
    assert [row for row in rows if not (row["code"] and row["script"] and row["name"])] == []
    assert [row["code"] for row in rows if not row["bytes"]] == ["eng"]
