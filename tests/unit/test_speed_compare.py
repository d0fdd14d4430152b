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
    *_, line, empty, when = compare.tables([found])
    assert line == "| merging | another | 4.00 | 2.00 to 8.00 | 3 | `python speed/merging.py` |"
    assert (empty, when) == ("", "Measured today.")


def test_rounds_that_one_side_lacks_are_an_error(compare):
    with pytest.raises(ValueError, match="zip"):
        compare.summary({"what": "", "other": "", "ours": [1.0], "theirs": [1.0, 2.0]}, "", "")


def test_the_page_on_speed_is_what_was_measured(compare, measured):
    page = (ROOT / "docs/speed.md").read_text(encoding="utf-8")
    assert len(measured) >= 8
    assert page == compare.page(page, measured)
    assert page != compare.page(page, measured[1:])


def test_every_command_of_the_page_is_run_by_make_speed(compare, measured):
    assert {row["command"] for row in measured} == {f"python {command}" for command in compare.COMMANDS}


def test_the_readme_has_rows_of_the_table(measured):
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    section = readme.split("## Speed\n")[1].split("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("| ")][1:]
    assert len(rows) >= 4
    assert set(rows) <= {f"| {row['what']} | {row['other']} | {row['ratio']} |" for row in measured}


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
