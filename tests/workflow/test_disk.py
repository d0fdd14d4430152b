"""A study that its disk has no room for does not begin; results that cannot be written can be verified."""

import pytest
from small_disk import small_disk

from growmerge.artifacts import publish
from workflow.snakemake import LAPTOP, copy_of_the_repository, snakemake

pytestmark = pytest.mark.workflow


def test_all_is_refused_before_any_job_if_the_disk_of_the_results_has_no_room(tmp_path):
    clone = copy_of_the_repository(tmp_path / "clone")
    with small_disk(tmp_path / "small", 2**20) as disk:
        (clone / "results").symlink_to(disk.folder)
        output = snakemake(clone, "all", *LAPTOP, fails=True)
        assert f"the study does not fit on this disk ({disk.folder}/miniature)" in output
        assert "more at its peak, 1.05 MB are free, " in output
        assert "Set plan.check_disk to false to begin all the same" in output
        assert "Traceback" not in output
        assert disk.names() == [], "no job ran"
        snakemake(clone, "plan", *LAPTOP)
        assert "**It does not fit: " in (clone / "results/miniature/plan.md").read_text(encoding="utf-8")


def test_results_that_are_read_only_can_be_verified(tmp_path):
    clone = copy_of_the_repository(tmp_path / "clone")
    with small_disk(tmp_path / "small", 2**20) as disk:
        (clone / "results").symlink_to(disk.folder)
        with publish(clone / "results/miniature/tokenizer") as draft:
            (draft.folder / "tokenizer.json").write_text("{}")
        disk.write_protect()
        output = snakemake(clone, "verify", *LAPTOP)
    assert "all 1 artifacts agree with their manifests" in output
    assert "Traceback" not in output
    log = clone / ".snakemake/log/verify-miniature.log"
    assert "all 1 artifacts agree" in log.read_text(encoding="utf-8")
