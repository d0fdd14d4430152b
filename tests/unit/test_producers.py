"""Snakemake searches for the rules that make a file once, however many jobs read it."""

import re
import subprocess
import sys

WORKFLOW = """
import atexit
from snakemake.rules import Rule
{patch}
trial = Rule.is_producer
tried = []
def counted(rule, file):
    tried.append(file)
    return trial(rule, file)
Rule.is_producer = counted
atexit.register(lambda: print("trials:", tried.count("in/shared")))
rule all:
    input: expand("out/{{i}}", i=range(config["readers"]))
rule read:
    input: "in/shared", *config.get("further", [])
    output: "out/{{i}}"
    shell: "cp {{input}} {{output}}"
rule make:
    output: "in/{{name,shared}}"
    shell: "touch {{output}}"
rule make_another:
    output: "in/{{other,another}}"
    shell: "touch {{output}}"
"""
# A workflow may be read more than once.
PATCH = "from growmerge.producers import search_producers_once\nsearch_producers_once()\nsearch_producers_once()"


def dry_run(folder, *config, patch=PATCH) -> str:
    """What a dry-run of jobs that read one file prints."""
    (folder / "Snakefile").write_text(WORKFLOW.format(patch=patch), encoding="utf-8")
    command = [sys.executable, "-m", "snakemake", "-n", "--config", *config]
    ran = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return ran.stdout + ran.stderr


def test_a_file_with_many_readers_is_searched_for_once(tmp_path):
    found = dry_run(tmp_path, "readers=40", patch="")
    assert "trials: 80\n" in found, "Snakemake itself still tries both rules for each reader"
    found = dry_run(tmp_path, "readers=40")
    assert "trials: 2\n" in found
    assert dict(re.findall(r"^(\w+) +(\d+)$", found, re.MULTILINE)) == {
        "all": "1",
        "make": "1",
        "read": "40",
        "total": "42",
    }


def test_a_file_that_no_rule_makes_may_be_there_or_not(tmp_path):
    config = ("readers=2", "further=['in/nothing']")
    assert "Missing input files for rule read" in dry_run(tmp_path, *config)
    (tmp_path / "in").mkdir()
    (tmp_path / "in/nothing").touch()
    assert re.search(r"^read +2$", dry_run(tmp_path, *config), re.MULTILINE)
