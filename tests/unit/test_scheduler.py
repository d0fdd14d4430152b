"""Snakemake looks at its ready jobs when something has changed, not over and over again."""

import re
import subprocess
import sys
import time

import pytest

WORKFLOW = """
from snakemake.scheduling.job_scheduler import JobScheduler
{patch}
chosen = JobScheduler.job_selector
looks = []
def counted(scheduler, jobs):
    looks.append(len(jobs))
    return chosen(scheduler, jobs)
JobScheduler.job_selector = counted
rule all:
    input: expand("out/{{i}}", i=range(config["jobs"]))
rule one:
    output: "out/{{i}}"
    shell: "sleep {seconds}; touch {{output}}"
onsuccess:
    print("looks:", len(looks))
"""
PATCH = "from growmerge.scheduler import look_only_after_changes\nlook_only_after_changes()"


def looks(folder, *options, patch=PATCH, jobs=24, seconds=0.7) -> int:
    """How often the scheduler looks at its ready jobs until all are done."""
    (folder / "Snakefile").write_text(WORKFLOW.format(patch=patch, seconds=seconds), encoding="utf-8")
    command = [sys.executable, "-m", "snakemake", *options, "--config", f"jobs={jobs}"]
    ran = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    assert len(list((folder / "out").iterdir())) == jobs
    (found,) = re.findall(r"looks: (\d+)", ran.stdout + ran.stderr)
    return int(found)


def test_looks_do_not_add_up(tmp_path):
    assert looks(tmp_path, "-c4") <= 25, "one for each job that has ended, and the first"


@pytest.mark.slow
def test_snakemake_itself_still_adds_them_up(tmp_path):
    assert looks(tmp_path, "-c4", patch="") > 40


@pytest.mark.slow
@pytest.mark.parametrize("limit", ["2/1s", "3/2s"])
def test_a_limit_on_jobs_per_time_is_kept_and_keeps_no_job_waiting(limit, tmp_path):
    many, seconds = map(int, re.findall(r"\d+", limit))
    start = time.monotonic()
    looks(tmp_path, "-c16", "--max-jobs-per-timespan", limit, jobs=3 * many, seconds=4)
    assert 2 * seconds + 4 <= time.monotonic() - start < 2 * seconds + 4 + 8, "not three times the length of a job"
