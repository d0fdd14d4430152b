"""The page on speed holds what was measured, and so does the README."""

import csv
import subprocess
import sys

import pytest
from conftest import ROOT
from workflow.snakemake import copy_of_the_repository


@pytest.fixture
def compare(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "speed"))
    import compare

    return compare


@pytest.fixture
def measured():
    with (ROOT / "docs/measured/speed.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_ratio_is_that_of_each_round_and_the_row_has_median_and_range(compare):
    row = {"what": "merging", "other": "another", "ours": [1.0, 2.0, 4.0], "theirs": [8.0, 4.0, 16.0]}
    found = compare.summary(row, "speed/merging.py", "today")
    assert (found["ratio"], found["low"], found["high"], found["rounds"]) == ("4.00", "2.00", "8.00", "3")
    assert found["command"] == "python speed/merging.py"
    *_, line, empty, when = compare.whole([found])
    assert line == "| merging | another | 4.00 | 2.00 to 8.00 | 3 | `python speed/merging.py` |"
    assert (empty, when) == ("", "Measured today.")


def test_rows_that_differ_only_in_the_load_are_measured_under_one_condition_with_its_range(compare):
    before = ["1 on 2 cores (a, load 9.5 before); b", "1 on 2 cores (a, load 10.0 before); b", "2 on 4 cores; b"]
    assert list(compare.conditions([*before, before[0]])) == ["1 on 2 cores (a, load 9.5 to 10.0 before); b", before[2]]
    assert list(compare.conditions(before[:1] * 2)) == before[:1]


def test_rounds_that_one_side_lacks_are_an_error(compare):
    with pytest.raises(ValueError, match="zip"):
        compare.summary({"what": "", "other": "", "ours": [1.0], "theirs": [1.0, 2.0]}, "", "")


def test_the_pages_have_what_was_measured(compare, measured):
    assert len(measured) >= 8
    for path, lines in compare.PAGES.items():
        text = path.read_text(encoding="utf-8")
        assert text == compare.page(text, lines(measured))
        assert text != compare.page(text, lines(measured[2:]))


def test_the_readme_has_the_fastest_alternative(compare):
    rows = [{"what": "scoring", "other": other, "ratio": ratio} for other, ratio in (("a", "10.00"), ("b", "9.00"))]
    assert list(compare.short(rows))[2:] == ["| scoring | b | 9.00 |"]


def test_make_speed_runs_the_script_of_every_row(compare, measured):
    scripts = {command.split()[0] for command in compare.COMMANDS}
    assert {row["command"].split()[1] for row in measured} <= scripts
    assert all((ROOT / script).is_file() for script in scripts)


@pytest.mark.slow
def test_every_comparison_runs(tmp_path, compare):
    clone = copy_of_the_repository(tmp_path / "clone")
    page = (clone / "docs/speed.md").read_bytes()
    run = subprocess.run(
        [sys.executable, str(clone / "speed/compare.py"), "--quick"], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr[-3000:]
    for command in compare.COMMANDS:
        assert f"| `python {command}` |" in run.stdout
    assert (clone / "docs/speed.md").read_bytes() == page
