"""What a run writes for people: progress while it runs, and at its end what failed and where the log is."""

import re

import pytest

from workflow.snakemake import LAPTOP, copy_of_the_repository, snakemake

pytestmark = pytest.mark.workflow
DOCUMENTS = "results/miniature/documents/code/1-of-1"


@pytest.fixture
def clone(tmp_path):
    """Its runs tell their progress ten times a second."""
    clone = copy_of_the_repository(tmp_path / "clone")
    code = clone / "src/growmerge/study/progress.py"
    text = code.read_text(encoding="utf-8")
    assert "EVERY = 300.0 " in text
    code.write_text(text.replace("EVERY = 300.0 ", "EVERY = 0.1 "), encoding="utf-8")
    return clone


def test_progress_is_told_while_jobs_run(clone):
    output = snakemake(clone, *LAPTOP, DOCUMENTS)
    lines = re.findall(r"^Progress: .*$", output, re.MULTILINE)
    assert lines[0] == "Progress: 0 of 1 jobs done"
    assert "failed" not in output


def test_a_failed_job_is_named_at_the_end_with_its_log(clone):
    text = (clone / "config/miniature.yaml").read_text(encoding="utf-8")
    start, end = text.index("  - name: code"), text.index("  - name: eng")
    source = "  - {name: code, sources: [{kind: files, paths: [broken.jsonl]}]}\n"
    (clone / "mine.yaml").write_text(text[:start] + source + text[end:], encoding="utf-8")
    (clone / "broken.jsonl").write_text("{\n", encoding="utf-8")
    output = snakemake(clone, *LAPTOP, DOCUMENTS, "--configfile", "mine.yaml", fails=True)
    end = output[output.index("1 job failed; ") :].splitlines()
    assert end[0] == "1 job failed; mend the cause and give the same command again, what is made stays made:"
    log = end[1].removeprefix("  build_documents code/1-of-1: see ")
    assert "broken.jsonl" in (clone / log).read_text(encoding="utf-8")
