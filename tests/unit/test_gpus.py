"""Jobs on a machine with several GPUs share these out, also jobs of different runs."""

import subprocess
import sys
import threading

import pytest

from growmerge.errors import GrowmergeError
from growmerge.gpus import VISIBLE, gpus_here, take_gpus

JOB = """
import sys
from pathlib import Path
from growmerge.gpus import VISIBLE, take_gpus
environment = {}
take_gpus(int(sys.argv[1]), 4, Path(sys.argv[2]), environment, pause=0.01)
print(environment[VISIBLE], flush=True)
sys.stdin.read()
"""


@pytest.fixture
def start(tmp_path):
    """Start a job that asks for so many of four GPUs, and keeps what it gets until it is ended."""
    jobs = []

    def start(count):
        command = [sys.executable, "-c", JOB, str(count), str(tmp_path / "locks")]
        jobs.append(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
        return jobs[-1]

    yield start
    for job in jobs:
        job.kill()
        job.communicate()


def test_each_job_has_gpus_of_its_own_and_a_killed_one_gives_them_back(start):
    one, two = start(1), start(2)
    first, both = one.stdout.readline().strip(), two.stdout.readline().strip().split(",")
    assert {first, *both} < set("0123") and len(both) == 2 and first not in both
    waiting = start(2)
    got = []
    reader = threading.Thread(target=lambda: got.append(waiting.stdout.readline().strip().split(",")))
    reader.start()
    reader.join(1)
    assert got == [], "one GPU is free, and it asks for two"
    two.kill()
    reader.join(30)
    assert len(got[0]) == 2 and first not in got[0]


@pytest.mark.parametrize(
    ("said", "count"),
    [
        ("GPU 0: NVIDIA H200 (UUID: GPU-1)\nGPU 1: NVIDIA H200 (UUID: GPU-2)\n", 2),
        ("GPU 0: NVIDIA H200 (UUID: GPU-1)\n  MIG 1g.18gb Device 0: (UUID: MIG-1)\n", 1),
        ("No devices found.\n", 0),
        (None, 0),
    ],
)
def test_gpus_are_counted_by_the_tool_of_their_driver(tmp_path, monkeypatch, said, count):
    if said is not None:
        tool = tmp_path / "nvidia-smi"
        tool.write_text(f"#!/bin/sh\nprintf '{said}'\n")
        tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin")
    assert gpus_here() == count


@pytest.mark.parametrize(
    ("count", "here", "environment"),
    [(0, 4, {}), (1, 1, {}), (1, 0, {}), (1, 4, {VISIBLE: "3"}), (2, 4, {VISIBLE: ""})],
)
def test_where_there_is_no_choice_nothing_is_chosen(tmp_path, count, here, environment):
    before = dict(environment)
    take_gpus(count, here, tmp_path / "locks", environment)
    assert environment == before
    assert not (tmp_path / "locks").exists()


def test_more_than_there_are_is_told(tmp_path):
    with pytest.raises(GrowmergeError, match="asks for 4 GPUs, and this machine has 2; add `--resources gpu=2`"):
        take_gpus(4, 2, tmp_path, {})
