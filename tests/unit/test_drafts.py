"""What several processes write at once under one name is whole at every moment, and nothing is left of the dead."""

import os
import socket
import subprocess
import sys
import time

import pytest

from growmerge.artifacts import publish, replacing, verify
from growmerge.drafts import OLD, left_behind

WRITES = """
import sys, time
from pathlib import Path
from growmerge.artifacts import publish, write_manifest, replacing
folder, group = Path(sys.argv[1]), Path(sys.argv[2])
for _ in range(15):
    with publish(folder / "artifact") as draft:
        for name in "abcd":
            (draft.folder / name).write_text(name * 1000)
            time.sleep(0.001)
    with replacing(group / "table.csv") as temporary, temporary.open("w") as file:
        for number in range(10):
            file.write(f"{number}\\n")
            file.flush()
            time.sleep(0.001)
    write_manifest(group / "table.manifest.json", ["table.csv"])
"""


def test_processes_that_make_the_same_do_not_mix(tmp_path):
    rivals = [
        subprocess.Popen([sys.executable, "-c", WRITES, tmp_path, tmp_path], stderr=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    said = [rival.communicate()[1] for rival in rivals]
    assert [rival.returncode for rival in rivals] == [0, 0, 0], "\n".join(said)
    assert verify(tmp_path / "artifact").files.keys() == set("abcd")
    assert verify(tmp_path / "table.csv").files.keys() == {"table.csv"}
    assert {path.name for path in tmp_path.iterdir()} == {"artifact", "table.csv", "table.manifest.json"}


@pytest.mark.parametrize(
    ("owner", "age", "left"),
    [("here-dead", 0, True), ("here-alive", 0, False), ("n2-1", OLD + 9, True), ("n2-1", 0, False)],
)
def test_drafts_of_processes_that_are_gone_are_removed(tmp_path, owner, age, left):
    process = {"here-dead": 2**22 + 1, "here-alive": os.getppid()}.get(owner)
    owner = f"{socket.gethostname()}-{process}" if process else owner
    drafts = [tmp_path / f".artifact.{owner}.partial", tmp_path / f".table.csv.{owner}.partial"]
    drafts[0].mkdir()
    drafts[1].write_text("half")
    for draft in drafts:
        os.utime(draft, (time.time() - age,) * 2)
    assert left_behind(tmp_path) == (drafts if left else [])
    with publish(tmp_path / "artifact"), replacing(tmp_path / "table.csv") as temporary:
        temporary.write_text("whole")
    assert [draft.exists() for draft in drafts] == [not left, not left]
