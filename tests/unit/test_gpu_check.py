"""The GPU check runs all of its parts on a CPU, and a part that fails takes none of the others with it."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest
import torch
from conftest import ROOT

SCRIPT = ROOT / "speed/gpu_check.py"


@pytest.fixture(autouse=True)
def _speed(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "speed"))


@pytest.mark.slow
def test_every_part_runs_on_a_cpu_and_the_page_says_that_no_gpu_was_there(tmp_path):
    run = [sys.executable, str(SCRIPT), "--device", "cpu", "--tiny", "--patience", "10", "--folder", str(tmp_path)]
    said = subprocess.run(run, capture_output=True, text=True, check=False)
    page = (tmp_path / "page.md").read_text(encoding="utf-8")
    assert said.returncode == 0, page + said.stdout
    assert "**This was not run on a GPU.** It ran on a CPU with tiny models" in page
    assert "Failed" not in page and "failed" not in page
    for row in ("| tiny | ours |", "| tiny | torch |", "| tiny | trainer |", "| growmerge, 2048 slots |", "| linear |"):
        assert row in page, row
    assert "| harness, batches of 64 |" in page and "| ramplus_tl |" in page and "| iso_c |" in page
    assert "needs a GPU" in page, "tests that were skipped are not passed over"
    assert "| training 180M: share of bf16 peak | 0.40 | - | not measured |" in page
    training = [json.loads(line) for line in (tmp_path / "training.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [row["engine"] for row in training] == ["ours", "trainer", "torch"]
    assert all(row["tokens_per_second"] > 0 and row["peak_memory_mb"] > 0 for row in training)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_without_a_gpu_it_says_how_to_go_on(tmp_path):
    run = subprocess.run([sys.executable, str(SCRIPT), "--folder", str(tmp_path)], capture_output=True, text=True)
    assert run.returncode == 2
    assert "run on a machine with a GPU, or with --device cpu --tiny" in run.stdout


def test_all_parts_together_take_at_most_eight_minutes():
    from gpu_parts import PARTS

    assert sum(part.limit for part in PARTS) <= 480
    assert len({part.name for part in PARTS}) == len(PARTS)


PROGRAM = """
import json, os, sys, time
with open(sys.argv[2], "a") as file:
    file.write(json.dumps({"method": "linear", "cpu_seconds": 1.0}) + "\\n")
"""


@pytest.mark.parametrize(
    ("rest", "fault"),
    [
        ("", ""),
        ("raise ValueError('of a | reason')", "exit status 1: ValueError: of a | reason"),
        ("time.sleep(600)", "stopped after its 2 s; what it had measured by then is below"),
    ],
    ids=["well", "an error", "too long"],
)
def test_what_a_part_measured_before_it_failed_is_kept_and_its_fault_told(rest, fault, tmp_path):
    import gpu_check
    from gpu_page import page
    from gpu_parts import Part

    (tmp_path / "part.py").write_text(PROGRAM + rest, encoding="utf-8")
    part = Part("merging", 2, (str(tmp_path / "part.py"),))
    outcome = gpu_check.run(part, tmp_path, {}, tiny=False)
    assert outcome.fault == fault
    text = page(["about"], [outcome])
    assert "| linear | - | 1.00 | - | - |" in text
    assert ("**Failed:**" in text) == bool(fault)


def test_tests_that_take_too_long_are_reported_as_far_as_they_ran(tmp_path):
    """pytest writes its report when it ends, so it is interrupted before it is killed; its files are removed."""
    import gpu_check
    from gpu_parts import Part, tests

    (tmp_path / "test_it.py").write_text(
        "import os, time, tempfile\n"
        "def test_one(): assert tempfile.mkdtemp().startswith(os.environ['TMPDIR'])\n"
        "def test_two(): time.sleep(600)\n"
    )
    program = ("-m", "pytest", "-p", "no:cacheprovider", "-c", os.devnull, str(tmp_path / "test_it.py"))
    part = Part("tests", 5, program, output="--junitxml", ending="xml", rows=tests)
    outcome = gpu_check.run(part, tmp_path, dict(os.environ), tiny=False)
    assert outcome.fault.startswith("stopped after its 5 s")
    assert [(row["test"], row["outcome"]) for row in outcome.rows][:1] == [("test_one", "passed")]
    assert not (tmp_path / "tmp").exists()


def test_a_torch_without_linear_cross_entropy_measures_the_rest(tmp_path):
    """As torch 2.11 on a machine that can install nothing."""
    shim = (
        "import runpy, sys, torch, torch.nn\n"
        "del torch.nn.LinearCrossEntropyOptions\n"
        "sys.argv = sys.argv[1:]\n"
        f"sys.path.insert(0, {str(ROOT / 'speed')!r})\n"
        "import heads, training_gpu, head\n"
        "print(heads.TORCH, training_gpu.ENGINES, [*head.WAYS])\n"
    )
    run = subprocess.run([sys.executable, "-c", shim], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "False ['ours', 'trainer'] ['ours', 'whole']"


def test_a_way_to_compute_the_head_that_fails_takes_no_other_with_it(tmp_path):
    found = tmp_path / "rows.jsonl"
    run = [
        sys.executable,
        str(ROOT / "speed/head.py"),
        "--shapes",
        "tiny",
        "--vocabulary",
        "320",
        "--precision",
        "fp32",
    ]
    tokens = ["--tokens", "-1", "--ways", "ours", "whole", "--json", str(found)]  # no tensor has so many rows
    subprocess.run([*run, *tokens], capture_output=True, check=True)
    rows = [json.loads(line) for line in found.read_text(encoding="utf-8").splitlines()]
    assert [row["way"] for row in rows] == ["ours", "whole"]
    assert all("RuntimeError" in row["failed"] for row in rows)


def test_a_check_that_is_ended_leaves_no_part_running(tmp_path):
    """A part has a session of its own, which no signal to the check reaches."""
    (tmp_path / "part.py").write_text(PROGRAM + "print(os.getpid(), flush=True); time.sleep(600)", encoding="utf-8")
    check = f"""
import sys
sys.path.insert(0, {str(ROOT / "speed")!r})
import gpu_check
from gpu_parts import Part
gpu_check.PARTS = (Part("merging", 500, ({str(tmp_path / "part.py")!r},)),)
sys.argv = ["gpu_check.py", "--device", "cpu", "--tiny", "--folder", {str(tmp_path)!r}]
gpu_check.main()
"""
    process = subprocess.Popen([sys.executable, "-c", check], stdout=subprocess.DEVNULL)
    log = tmp_path / "merging.log"
    while not (log.exists() and log.read_text().endswith("\n")):
        assert process.poll() is None
        time.sleep(0.1)
    process.terminate()
    assert process.wait() == 128 + signal.SIGTERM
    with pytest.raises(ProcessLookupError):
        os.kill(int(log.read_text()), 0)


def test_targets_are_held_against_our_engine_and_the_harness_at_its_best():
    from gpu_page import targets
    from gpu_parts import Outcome

    training = [
        {"shape": "180M", "engine": "trainer", "model_flops_utilisation": 0.9},
        {"shape": "180M", "engine": "ours", "model_flops_utilisation": 0.41},
        {"shape": "572M", "engine": "ours", "failed": "out of memory"},
    ]
    speeds = {"growmerge, 2048 slots": 300.0, "harness, batches of 64": 100.0, "harness, batches of 1": 10.0}
    scoring = [{"way": way, "pairs_per_second": speed} for way, speed in speeds.items()]
    found = targets([Outcome("training", training), Outcome("scoring", scoring)])
    assert [(row["measured"], row["met"]) for row in found] == [(0.41, True), (None, None), (3.0, False)]
    assert [row["met"] for row in targets([])] == [None, None, None]
