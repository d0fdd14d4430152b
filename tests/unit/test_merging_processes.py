"""Work is shared out among processes: each item once, errors come through, and none outlives the one that waits."""

import os
import signal
import subprocess
import sys
import time
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import pytest

from growmerge.errors import GrowmergeError
from growmerge.merging.processes import can_fork, share_out

pytestmark = pytest.mark.skipif(not can_fork(), reason="needs Linux")


def test_each_item_is_done_once_elsewhere(tmp_path):
    def note(item):
        with (tmp_path / item).open("x") as file:  # a second time it would be there
            file.write(str(os.getpid()))

    items = [str(i) for i in range(20)]
    share_out(note, items, 3)
    done = {path.name: int(path.read_text()) for path in tmp_path.iterdir()}
    assert done.keys() == set(items)
    assert os.getpid() not in done.values()


def test_an_error_comes_through_as_it_is():
    def refuse(item):
        if item == 3:
            raise GrowmergeError("item 3 is damaged")

    with pytest.raises(GrowmergeError, match="item 3 is damaged"):
        share_out(refuse, range(6), 2)


def test_a_process_that_is_killed_is_an_error():
    with pytest.raises(BrokenProcessPool):
        share_out(lambda item: os.kill(os.getpid(), signal.SIGKILL), range(2), 2)


def test_none_outlives_the_one_that_waits_even_if_that_is_killed():
    program = (
        "import os, time\n"
        "from growmerge.merging.processes import share_out\n"
        "def wait(item):\n"
        "    os.write(1, b'%d\\n' % os.getpid())\n"  # in one piece, whatever the other writes
        "    time.sleep(600)\n"
        "share_out(wait, range(2), 2)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as job:
        try:
            children = [int(job.stdout.readline()) for _ in range(2)]
        finally:
            job.kill()
    end = time.monotonic() + 30
    while any(running(child) for child in children) and time.monotonic() < end:
        time.sleep(0.01)
    assert not any(running(child) for child in children)


def running(pid):
    """Whether a process is there and not just waiting to be noticed as dead."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False
