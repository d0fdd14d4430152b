"""The command `growmerge` begins a study of some ten lines that is valid at once, and shows what languages have."""

from pathlib import Path

import pytest

from growmerge.benchmarks.build import build_benchmark
from growmerge.config import check_local, load_files
from growmerge.console.__main__ import main
from growmerge.console.parallel import read_pairs
from growmerge.errors import GrowmergeError

ROOT = Path(__file__).parents[2]
FULL, MINIATURE = "config/config.yaml", "config/miniature.yaml"


@pytest.fixture(autouse=True)
def repository(tmp_path, monkeypatch):
    """A folder with the configurations, as at the top of the repository."""
    (tmp_path / "config").mkdir()
    for file in (ROOT / "config").iterdir():
        (tmp_path / "config" / file.name).write_bytes(file.read_bytes())
    (tmp_path / "texts").mkdir()
    lines = "".join(f"Hetta er setningur nummar {number}\n" for number in range(30_000))
    (tmp_path / "texts" / "fo.txt").write_text(lines, encoding="utf-8")
    (tmp_path / "short").mkdir()
    (tmp_path / "short" / "fo.txt").write_text("Hetta er setningur eitt\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_new_study_has_at_most_fifteen_lines_and_is_valid(repository, capsys):
    assert main(["new", "nordic", "--languages", "dan", "nob", "--text", "fao=texts/*.txt"]) == 0
    text = (repository / "nordic.yaml").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 15
    study = load_files(Path(FULL), Path("nordic.yaml"))
    assert (study.study, study.language_codes) == ("nordic", ["dan", "nob", "fao"])
    assert study.corpus(study.languages[-1].corpus).sources[0].lines
    said = capsys.readouterr().out
    assert text in said and "snakemake plan --configfile nordic.yaml" in said
    assert "dan (Danish): scored on multiblimp, parity, bits_per_byte" in said


def test_it_is_laid_over_the_files_that_are_named_and_states_epochs_where_no_rule_gives_them(repository):
    command = ["new", "faroe", "--languages", "swe", "--text", "fao=texts/*.txt", "--over", MINIATURE]
    assert main(command) == 0
    study = load_files(Path(FULL), Path(MINIATURE), Path("faroe.yaml"))
    assert [(language.code, language.epochs) for language in study.languages] == [("swe", 1), ("fao", 1)]
    assert [benchmark.name for benchmark in study.benchmarks].count("bits_per_byte") == 1


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["new", "x", "--languages", "sv", "qqq"], ["x.yaml: languages.0.code = 'sv'", "x.yaml: languages.1.code"]),
        (["new", "x"], ["no language: give --languages dan nob, or --text"]),
        (["new", "x", "--text", "texts/*.txt"], ["--text texts/*.txt: write a code and its files"]),
        (["new", "x", "--text", "fao=none/*.txt"], ["x.yaml: languages.0.text = 'none/*.txt': no such file"]),
        (["new", "x", "--text", "fao=short/*.txt"], ["corpus 'fao-own': 1 of its 0 sequences is less than one"]),
        (["new", "a b", "--languages", "dan"], ["a b.yaml: study = 'a b'"]),
        (["languages", "Danish"], ["Danish: no such code of ISO 639-3 in the catalogue; write dan"]),
    ],
)
def test_what_is_wrong_is_told_and_nothing_is_written(repository, capsys, arguments, told):
    before = sorted(repository.iterdir())
    assert main(arguments) == 1
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == len(told)
    assert [line.startswith(start) for line, start in zip(lines, told, strict=True)] == [True] * len(told), lines
    assert sorted(repository.iterdir()) == before


def test_a_configuration_that_is_there_is_not_overwritten(repository, capsys):
    (repository / "nordic.yaml").write_text("mine", encoding="utf-8")
    assert main(["new", "nordic", "--languages", "dan"]) == 1
    assert "nordic.yaml: is there already" in capsys.readouterr().err
    assert (repository / "nordic.yaml").read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize("aligned", [False, True], ids=["tsv", "two files"])
def test_own_parallel_sentences_become_a_benchmark_of_parity(repository, aligned):
    english, faroese = ["The sun is up.", "It rains."], ["Sólin er uppi.", "Tað regnar."]
    if aligned:
        for name, lines in (("en.txt", english), ("fo.txt", faroese)):
            (repository / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    else:
        rows = "".join(f"{one}\t{two}\n" for one, two in zip(english, faroese, strict=True))
        (repository / "pairs.tsv").write_text(rows, encoding="utf-8")
    files = "en.txt,fo.txt" if aligned else "pairs.tsv"
    command = ["new", "own", "--languages", "swe", "--text", "fao=texts/*.txt", "--parallel", f"fao={files}"]
    assert main([*command, "--over", MINIATURE]) == 0
    layers = [Path(FULL), Path(MINIATURE), Path("own.yaml")]
    study = load_files(*layers)
    check_local(study, layers)
    assert len(Path("own.yaml").read_text(encoding="utf-8").splitlines()) <= 15
    (benchmark,) = [b for b in study.benchmarks if b.name == "parity-fao"]
    assert [code for code in ("eng", "swe", "fao") if benchmark.has(code)] == ["fao"]
    built = build_benchmark(benchmark, "fao", seed=1)
    found = sorted((item.candidates[0], item.reference) for item in built.items)
    assert found == sorted(zip(faroese, english, strict=True))


def test_only_line_feeds_end_a_line_of_aligned_files(tmp_path):
    """Text of the web holds other characters that end lines for `splitlines`, at other places in each language."""
    english, german = tmp_path / "en.txt", tmp_path / "de.txt"
    english.write_bytes("\ufeffone\u2028half\r\ntwo\r\nthree\r\n".encode())
    german.write_bytes("eins\nzwei\ndrei\u0085halb".encode())
    assert read_pairs([english, german]) == [("one\u2028half", "eins"), ("two", "zwei"), ("three", "drei\u0085halb")]
    german.write_bytes(b"eins\nzwei")
    with pytest.raises(GrowmergeError, match=r"de\.txt: has 2 lines, .*en\.txt has 3"):
        read_pairs([english, german])


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("one\ttwo\none\n", "pairs.tsv:2: does not have two sentences; write English, a tab and the other language"),
        ("one\t\n", "pairs.tsv:1: does not have two sentences"),
    ],
)
def test_parallel_sentences_that_are_none_are_told_by_line(repository, capsys, text, told):
    (repository / "pairs.tsv").write_text(text, encoding="utf-8")
    assert main(["new", "own", "--text", "fao=texts/*.txt", "--parallel", "fao=pairs.tsv"]) == 1
    assert told in capsys.readouterr().err
    assert not (repository / "own.yaml").exists() and not (repository / "own-parallel").exists()


def test_languages_shows_text_codes_and_benchmarks(capsys):
    assert main(["languages", "est", "srp"]) == 0
    said = capsys.readouterr().out
    assert "est is written ekk here" in said
    assert "FineWeb-2 ekk_Latn, 10,218,587 documents, 43.8 GB" in said
    assert "multiblimp (2,575)" in said and "grammar_et (1,000)" in said
    assert said.count("`script: ") == 2, "Serbian has text in two scripts"
    assert main(["languages"]) == 0
    assert len(capsys.readouterr().out.splitlines()) > 1800
