"""Configuration files are read strictly: what YAML would take without a word, or refuse in riddles, is told by line."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from growmerge.config.__main__ import main
from growmerge.config.load import load_files, merge_mappings, validate
from growmerge.config.yaml_files import check_file, read_yaml
from growmerge.errors import GrowmergeError
from growmerge.study.grid import Grid
from growmerge.study.recipe import Recipes

ROOT = Path(__file__).parents[2]
FULL, MINIATURE = ROOT / "config/config.yaml", ROOT / "config/miniature.yaml"


def read(text: str, tmp_path: Path, name: str = "mine.yaml") -> dict:
    (tmp_path / name).write_text(text, encoding="utf-8")
    return read_yaml(tmp_path / name)


def refused(text: str, tmp_path: Path, name: str = "mine.yaml") -> list[str]:
    with pytest.raises(GrowmergeError) as error:
        read(text, tmp_path, name)
    return str(error.value).replace(f"{tmp_path}/", "").splitlines()


TWICE = {
    "a section": ("training: {a: 1}\nseed: 1\ntraining: {b: 2}\n", ["3: training: is there twice, first in line 1"]),
    "nested": ("training:\n  a: 1\n  b: 2\n  a: 1\n", ["4: training.a: is there twice, first in line 2"]),
    "in brackets": ("training: {a: 1, b: 2, a: 3}\n", ["1: training.a: is there twice, first in line 1"]),
    "in a list of mappings": (
        "bases:\n  - {name: init}\n  - name: seed\n    from: init\n    name: other\n",
        ["5: bases.1.name: is there twice, first in line 3"],
    ),
    "two of them": (
        "seed: 1\nplan: {gpu: a, gpu: b}\nseed: 2\n",
        ["2: plan.gpu: is there twice, first in line 2", "3: seed: is there twice, first in line 1"],
    ),
    "two spellings of the same": ("yes: 1\ntrue: 2\n", ["2: true: is there twice, first in line 1"]),
    "under an anchor": ("a: &a {b: 1, b: 2}\nc: *a\n", ["1: a.b: is there twice, first in line 1"]),
}


@pytest.mark.parametrize("case", TWICE)
def test_a_key_given_twice_is_refused_with_both_lines(case, tmp_path):
    text, expected = TWICE[case]
    assert refused(text, tmp_path) == [f"mine.yaml:{line}; keep one of the two" for line in expected]


def test_a_key_given_twice_in_json_is_refused(tmp_path):
    text = '{\n\t"seed": 1,\n\t"training": {"eps": 3e-3},\n\t"seed": 2}'
    assert refused(text, tmp_path, "mine.json") == [
        "mine.json:4: seed: is there twice, first in line 2; keep one of the two"
    ]
    assert read('{\n\t"training": {"eps": 3e-3}}', tmp_path) == {"training": {"eps": 0.003}}


def test_anchors_and_merge_keys_are_no_keys_given_twice(tmp_path):
    text = "x: &x {a: 1, b: 2}\ny: &y\n  <<: *x\n  a: 3\nz: {<<: [*y, *x], b: 4}\nw: [*x, *x]\nv: {<<: *z1, c: 5}\n"
    text = text.replace("z: {", "z: &z1 {")
    assert read(text, tmp_path) == {
        "x": {"a": 1, "b": 2},
        "y": {"a": 3, "b": 2},
        "z": {"a": 3, "b": 4},
        "w": [{"a": 1, "b": 2}] * 2,
        "v": {"a": 3, "b": 4, "c": 5},
    }
    assert read('1: one\n"1": text\n', tmp_path) == {1: "one", "1": "text"}


SYNTAX = {
    "a tab": ("study: x\ntraining:\n\tlearning_rate: 0.1\n", "3: .*indented with a tab"),
    "a tab after spaces": ("training:\n  a: 1\n \tb: 2\n", "3: .*indented with a tab"),
    "a tab in brackets": ("a: {b:\t1}\n", "1: .*a tab in the line"),  # Snakemake's parser refuses it
    "too far to the right": ("study: x\n  seed: 4\n", "2: .*indented too far"),
    "unlike its neighbours": (
        "training:\n    a: 1\n  b: 2\n",
        "3: .*does not fit the lines around it .begun in line 1",
    ),
    "dashes in two columns": ("bases:\n  - a\n - b\n", "3: .*the dashes of one list"),
    "no space after a colon": (
        "study: x\nseed:4\nplan: {}\n",
        "3: .*a key .begun in line 2. lacks its colon or the space",
    ),
    "a colon in text": ("note: see: there\n", "1: .*lack quotation marks"),
    "a bracket": ("a: [1, 2\nb: 3\n", "2: .*brackets .begun in line 1. lacks a comma or its closing bracket"),
    "a quotation mark": ("a: 'x\nb: 2\n", "2: .*quotation mark .begun in line 1. is not closed"),
    "a sign": ("a: @x\n", "1: .*begins with @.* must be in quotation marks"),
    "two documents": ("a: 1\n---\nb: 2\n", "2: .*only one document"),
}


@pytest.mark.parametrize("case", SYNTAX)
def test_a_slip_of_syntax_is_one_line_with_its_place(case, tmp_path):
    text, expected = SYNTAX[case]
    (line,) = refused(text, tmp_path)
    assert re.fullmatch(rf"mine.yaml:{expected}.*", line)
    assert line.split(": ")[1] == "is not YAML"


def test_what_is_no_mapping_of_sections_is_refused(tmp_path):
    assert refused("# nothing\n", tmp_path)[0].startswith("mine.yaml: is empty; it must hold a mapping of sections")
    assert refused("- a\n", tmp_path)[0].startswith("mine.yaml: holds a list; it must hold a mapping of sections")
    (tmp_path / "latin.yaml").write_bytes("note: Þór\n".encode("latin-1"))
    with pytest.raises(GrowmergeError, match=r"latin.yaml: is not UTF-8"):
        read_yaml(tmp_path / "latin.yaml")
    assert refused("a: \x01\n", tmp_path) == [
        "mine.yaml: is not YAML: unacceptable character #x0001: control characters are not allowed"
    ]


def test_only_a_file_that_is_there_is_checked(tmp_path):
    check_file(tmp_path / "absent.yaml")


def test_a_study_is_not_read_from_a_file_with_a_key_twice(tmp_path):
    (tmp_path / "mine.yaml").write_text("training: {log_every: 5}\ntraining: {state_every: 6}\n", encoding="utf-8")
    with pytest.raises(GrowmergeError, match=r"mine.yaml:2: training: is there twice, first in line 1"):
        load_files(FULL, MINIATURE, tmp_path / "mine.yaml")


def test_a_configuration_is_checked_without_snakemake(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    assert main(["config/miniature.yaml"]) is None
    assert capsys.readouterr().out == "miniature: the configuration is valid\n"
    (tmp_path / "mine.yaml").write_text("training:\n\tlog_every: 5\n", encoding="utf-8")
    assert str(main(["config/miniature.yaml", str(tmp_path / "mine.yaml")])).startswith(f"{tmp_path}/mine.yaml:2: ")


def dry_run(folder: Path, *arguments: str) -> str:
    """What `snakemake -n` says of a configuration that it refuses, in a folder that links to the repository's parts."""
    for name in ("Snakefile", "workflow", "src", "profiles"):
        if not (folder / name).exists():
            (folder / name).symlink_to(ROOT / name)
    command = [sys.executable, "-m", "snakemake", "-n", "--nocolor", *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    return done.stdout + done.stderr


def test_snakemake_tells_file_and_line(tmp_path):
    (tmp_path / "config").mkdir()
    text = FULL.read_text(encoding="utf-8")
    default, overlay = tmp_path / "config/config.yaml", tmp_path / "mine.yaml"
    default.write_text(text + "merging:\n\tdtype: float32\n", encoding="utf-8")
    assert f"\nconfig/config.yaml:{text.count(chr(10)) + 2}: is not YAML: the line is indented with" in dry_run(
        tmp_path
    )
    default.write_text(text, encoding="utf-8")
    overlay.write_text("study: a\nseed: 3\nstudy: b\n", encoding="utf-8")
    assert f"\n{overlay}:3: study: is there twice, first in line 1" in dry_run(tmp_path, "--configfile", "mine.yaml")
    said = dry_run(tmp_path, "--config", "merging={sizes: [2]}")
    assert "\n--config: merging.sizes.0 = '2': Input should be a valid integer. Snakemake hands over as text" in said
    assert "`merging: {sizes: [...]}` into a file" in said


def test_the_study_of_vocabularies_trains_as_the_miniature_does():
    size = {"vocab_size": 2048}
    miniature = load_files(FULL, MINIATURE)
    overlay = merge_mappings(read_yaml(FULL), read_yaml(MINIATURE))
    overlay = merge_mappings(overlay, read_yaml(ROOT / "config/miniature-vocabulary.yaml"))
    study = validate(merge_mappings(overlay, {"study": "vocabulary-2048", "tokenizer": size}))
    assert study.tokenizer == miniature.tokenizer.model_copy(update=size)
    ours, theirs = Recipes(Grid(study)), Recipes(Grid(miniature))
    trained = [model.id for model in ours.grid.trained]
    assert trained == ["seed", "base-1x", *(f"1x/{code}" for code in (*miniature.language_codes, "multi"))]
    assert [ours.of(model) for model in trained] == [theirs.of(model) for model in trained]
    assert {merge.combination for merge in ours.grid.merges} == {"ekk+fas+isl+swe"}
