"""A run says how far it is: jobs, FLOPs, and the time left at the speed that was measured."""

import json
import os
import threading

import pytest

from growmerge.study.duration import readable_time
from growmerge.study.progress import Progress, share_trained, tell

FLOPS = {"text": 0.0, "base": 60.0, "swe": 40.0}


def test_the_time_left_follows_the_flops_and_the_time_since_the_first():
    shares = dict.fromkeys(FLOPS, 0.0)
    progress = Progress(FLOPS, shares.__getitem__, now=0)
    shares["text"] = 1.0
    assert progress.line(1000).endswith(
        "1 of 3 jobs and 0.00e+00 of 1.00e+02 FLOPs (0%) done; the time left is not known yet"
    )
    shares["base"] = 0.5
    assert "1 of 3 jobs and 3.00e+01 of 1.00e+02 FLOPs (30%) done" in progress.line(1600)
    assert "about 23 min left" in progress.line(1600), "30 FLOPs took 600 s, 70 are left"


def test_what_a_resumed_training_had_done_is_done_but_counts_for_no_speed():
    shares = {"text": 1.0, "base": 0.5, "swe": 0.0}
    progress = Progress(FLOPS, shares.__getitem__, now=0)
    assert "(30%) done; the time left is not known yet" in progress.line(0)
    shares["base"] = 1.0
    assert "about 2 min left" in progress.line(90), "30 FLOPs took 90 s, 40 are left"


def test_without_flops_jobs_are_counted():
    assert Progress({"text": 0.0, "table": 0.0}, lambda job: float(job == "text"), 0).line(9) == (
        "Progress: 1 of 2 jobs done"
    )


def test_an_unfinished_training_has_done_what_the_newest_of_its_logs_says(tmp_path):
    assert share_trained(tmp_path, 100) == 0
    for age, (folder, step) in enumerate([("older", 90), ("newer", 25)]):
        log = tmp_path / folder / "training_log.jsonl"
        log.parent.mkdir()
        lines = [json.dumps({"step": n, "loss": 1.0}) for n in range(1, step + 1)]
        log.write_text("\n".join([*lines, '{"step": 9']), encoding="utf-8")  # a line that is being written
        os.utime(log, (age, age))
    assert share_trained(tmp_path, 100) == 0.25
    assert share_trained(tmp_path, 25) < 1, "it is done when the job is"


def test_lines_come_by_themselves():
    said, enough = [], threading.Event()

    def say(line):
        said.append(line)
        if len(said) == 2:
            enough.set()

    tell(Progress(FLOPS, lambda job: 1.0, 0), say, every=0.01)
    assert enough.wait(20)
    assert said[0].startswith("Progress: 3 of 3 jobs")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(7, "7 s"), (90, "2 min"), (3590, "1 h 0 min"), (3 * 3600 + 1200, "3 h 20 min"), (100 * 3600, "4 d 4 h")],
)
def test_readable_time(seconds, text):
    assert readable_time(seconds) == text
