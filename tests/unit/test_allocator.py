"""Jobs keep the memory that a step frees, and ask for huge pages."""

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from growmerge.allocator import TUNABLES, ask_for_huge_pages

pytestmark = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="needs glibc")
HUGE = Path("/sys/kernel/mm/transparent_hugepage/enabled")
TRAINING = """
import resource, sys
import torch
from growmerge.allocator import KEPT_IN_TRAINING, keep_freed_memory
torch.set_num_threads(1)
if "keep" in sys.argv:
    keep_freed_memory(KEPT_IN_TRAINING)
weights = torch.ones(1024, 1024, requires_grad=True)
def step():
    states = weights
    for _ in range(30):
        states = states.sqrt()
    states.sum().backward()
for _ in range(20):
    step()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    step()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""
PLAIN = {name: value for name, value in os.environ.items() if name != TUNABLES} | {"OMP_NUM_THREADS": "1"}


def page_faults(code: str, *arguments: str, environment: dict[str, str]) -> int:
    """What `code` prints: the pages that the kernel had to give to it."""
    command = [sys.executable, "-c", code, *arguments]
    return int(subprocess.run(command, env=environment, capture_output=True, check=True).stdout)


@pytest.mark.slow
def test_the_memory_of_a_step_is_used_again_by_the_next():
    plain, kept = (page_faults(TRAINING, *more, environment=PLAIN) for more in ((), ("keep",)))
    # Seen: 56,865 to 128,801 and 0 to 1,025. It varies with how the kernel lays out the address space.
    assert kept < plain / 3


@pytest.mark.skipif(not HUGE.exists() or "[never]" in HUGE.read_text(), reason="needs transparent huge pages")
def test_a_process_that_may_asks_for_huge_pages():
    code = """
import resource
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
block = bytearray(2**27)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""
    asking = dict(PLAIN)
    ask_for_huge_pages(asking)
    assert page_faults(code, environment=asking) < page_faults(code, environment=PLAIN) / 10


def test_what_the_user_has_set_stays():
    environment = {TUNABLES: "glibc.malloc.check=3"}
    ask_for_huge_pages(environment)
    assert environment == {TUNABLES: "glibc.malloc.check=3"}
