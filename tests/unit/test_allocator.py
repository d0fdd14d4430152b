"""Jobs keep the memory that a step frees."""

import os
import platform
import subprocess
import sys

import pytest

from growmerge.allocator import VARIABLE, keep_freed_memory

STEPS = """
import resource, torch
torch.set_num_threads(1)
states, head = torch.ones(1024, 64), torch.ones(4096, 64, requires_grad=True)
def step():
    torch.log_softmax(states @ head.T, dim=1).sum().backward()
for _ in range(3):
    step()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(10):
    step()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(environment: dict[str, str]) -> int:
    """Pages that the kernel has to give to ten steps after the first."""
    return int(subprocess.run([sys.executable, "-c", STEPS], env=environment, capture_output=True, check=True).stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="needs glibc")
def test_the_memory_of_a_step_is_used_again_by_the_next():
    plain = {name: value for name, value in os.environ.items() if name != VARIABLE} | {"OMP_NUM_THREADS": "1"}
    kept = dict(plain)
    keep_freed_memory(kept)
    assert faults(plain) > 5_000
    assert faults(kept) < 500


def test_what_the_user_has_set_stays():
    environment = {VARIABLE: "glibc.malloc.check=3"}
    keep_freed_memory(environment)
    assert environment == {VARIABLE: "glibc.malloc.check=3"}
