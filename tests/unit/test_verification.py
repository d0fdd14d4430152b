"""What is built is held against its manifests, and what is wrong is named."""

import logging
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from growmerge import verification
from growmerge.artifacts import publish, sha256_file, write_manifest
from growmerge.errors import GrowmergeError
from growmerge.verification import verify_tree


def make(folder, text="hello", **publish_arguments):
    with publish(folder, **publish_arguments) as draft:
        (draft.folder / "a.txt").write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def read(monkeypatch):
    """The files whose bytes are read for their digests, manifests left out."""
    found = []

    def digest(path: Path) -> str:
        found.append(path)
        return sha256_file(path)

    monkeypatch.setattr("growmerge.artifacts.sha256_file", digest)
    return found


def test_verify_tree_lists_everything_that_is_wrong(tmp_path):
    source = make(tmp_path / "source")
    artifact = make(tmp_path / "artifact", inputs=[source])
    assert verify_tree([tmp_path]) == 2
    make(source, text="newer")
    (artifact / "a.txt").write_text("bad")
    third = make(tmp_path / "third", inputs=[artifact])
    (tmp_path / "table.csv").write_text("1")
    write_manifest(tmp_path / "table.manifest.json", ["table.csv"])
    (tmp_path / "table.csv").write_text("2")
    with pytest.raises(GrowmergeError) as error:
        verify_tree([tmp_path])
    lines = str(error.value).splitlines()
    assert lines[0] == "2 of 4 artifacts are not sound:"
    assert "artifact/a.txt: has 3 bytes" in lines[1]
    assert "table.csv: its bytes differ" in lines[2]
    assert lines[2].endswith(f"remove {tmp_path}/table.* and rerun"), "the pattern of its files, which are there"
    make(artifact, inputs=[source])
    make(source, text="newest")
    with pytest.raises(GrowmergeError, match=r"artifact: was made from another .*source than there is now"):
        verify_tree([artifact, source, third])


def test_empty_folders_that_jobs_share_are_not_called_unfinished(tmp_path, caplog, monkeypatch):
    monkeypatch.setattr(logging.getLogger("growmerge"), "propagate", True)
    make(tmp_path / "models/whole")
    (tmp_path / "work/merges/1x").mkdir(parents=True)
    make(tmp_path / "work/1x/swe/state-1")
    verify_tree([tmp_path])
    (left,) = {r.getMessage().split(":")[0] for r in caplog.records if "unfinished job" in r.getMessage()}
    assert left == f"{tmp_path}/work/1x/swe"


def test_folders_called_work_elsewhere_are_verified_too(tmp_path):
    """In the path to the results, and as the name of a setup."""
    artifact = make(tmp_path / "work/results/models/work/swe")
    assert verify_tree([tmp_path / "work/results"]) == 1
    (artifact / "a.txt").write_text("bad")
    with pytest.raises(GrowmergeError, match="1 of 1 artifacts"):
        verify_tree([tmp_path / "work/results"])


def test_every_source_that_is_another_now_is_listed(tmp_path):
    sources = [make(tmp_path / "sources" / name) for name in ("one", "two", "three")]
    make(tmp_path / "results/made", inputs=sources)
    for source in sources[:2]:
        make(source, text="newer")
    with pytest.raises(GrowmergeError) as error:
        verify_tree([tmp_path / "results"])
    _, *lines = str(error.value).splitlines()
    assert len(lines) == 2
    assert all(f"was made from another {source} than" in line for line, source in zip(lines, sources, strict=False))


def test_a_source_that_was_removed_is_no_fault(tmp_path):
    source = make(tmp_path / "source")
    make(tmp_path / "results/made", inputs=[source])
    shutil.rmtree(source)
    assert verify_tree([tmp_path / "results"]) == 1


def test_what_a_killed_job_was_writing_is_named_and_is_no_artifact(tmp_path, caplog, monkeypatch):
    monkeypatch.setattr(logging.getLogger("growmerge"), "propagate", True)
    make(tmp_path / "models/whole")
    draft = tmp_path / f"models/.half.{socket.gethostname()}-{2**22 + 1}.partial"  # no process has that number
    make(draft)
    (draft / "a.txt").write_text("its last file was cut off")
    with caplog.at_level(logging.WARNING):
        assert verify_tree([tmp_path]) == 1
    assert f"{draft}: left by a job that was killed while it wrote; remove it" in caplog.text


def test_verify_tree_of_nothing_and_of_the_unfinished(tmp_path):
    with pytest.raises(GrowmergeError, match="nothing is built yet"):
        verify_tree([tmp_path])
    make(tmp_path / "models/whole")
    make(tmp_path / "work/x/state-1")
    (tmp_path / "models/half").mkdir()
    assert verify_tree([tmp_path], expected=[tmp_path / "models/whole", tmp_path / "models/absent"]) == 1
    with pytest.raises(GrowmergeError, match=r"models/half: has no manifest"):
        verify_tree([tmp_path], expected=[tmp_path / "models/half"])


def test_several_threads_find_the_same(tmp_path):
    artifacts = [make(tmp_path / f"{n:02}") for n in range(40)]
    assert verify_tree([tmp_path], threads=4) == 40
    for damaged in artifacts[3::7]:
        (damaged / "a.txt").write_text("HELLO")
    found = []
    for threads in (1, 4):
        with pytest.raises(GrowmergeError, match=r"^6 of 40 artifacts are not sound:\n") as error:
            verify_tree([tmp_path], threads=threads)
        found.append(str(error.value))
    assert found[0] == found[1], "in the order of the folders"


CUT_OFF = """
import sys
from pathlib import Path
from growmerge import artifacts
from growmerge.verification import verify_tree

folder, real = Path(sys.argv[1]), artifacts.sha256_file

def slow(path):
    if path.parent.name == "05":
        print("here", flush=True)
        sys.stdin.read()
    return real(path)

artifacts.sha256_file = slow
verify_tree([folder / "results"], sound=folder / "results/work/sound.txt")
"""


def test_a_verification_that_was_killed_goes_on_from_there(tmp_path, read):
    results, sound = tmp_path / "results", tmp_path / "results/work/sound.txt"
    for n in range(9):
        make(results / f"{n:02}")
    process = subprocess.Popen(
        [sys.executable, "-c", CUT_OFF, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdout.readline() == b"here\n"
    process.kill()
    process.wait()
    assert len(sound.read_text().splitlines()) == 5
    with sound.open("a") as file:
        file.write("0123")  # a line that was being written
    make(results / "02", text="made again")
    read.clear()
    assert verify_tree([results], sound=sound) == 9
    assert {path.parent.name for path in read} == {"02", "05", "06", "07", "08"}
    assert not sound.exists()
    read.clear()
    assert verify_tree([results], sound=sound) == 9
    assert len(read) == 9, "a verification that came to its end is not trusted by the next"


def test_what_is_wrong_is_found_again_and_nothing_is_trusted_afterwards(tmp_path, read):
    sound = tmp_path / "results/work/sound.txt"
    for n in range(3):
        make(tmp_path / f"results/{n}")
    (tmp_path / "results/1/a.txt").write_text("HELLO")
    for _ in range(2):
        read.clear()
        with pytest.raises(GrowmergeError, match="1 of 3 artifacts are not sound"):
            verify_tree([tmp_path / "results"], sound=sound)
        assert len(read) == 3
        assert not sound.exists()


def test_a_source_of_many_artifacts_is_looked_up_once(tmp_path, monkeypatch):
    source = make(tmp_path / "source")
    for n in range(20):
        make(tmp_path / f"results/{n:02}", inputs=[source])
    looked_up = []
    real = verification.read_manifest
    monkeypatch.setattr(verification, "read_manifest", lambda path: looked_up.append(path) or real(path))
    verify_tree([tmp_path])
    assert looked_up == [source]


def test_results_that_cannot_be_written_are_verified_all_the_same(tmp_path, caplog, monkeypatch):
    monkeypatch.setattr(logging.getLogger("growmerge"), "propagate", True)
    make(tmp_path / "results/whole")
    (tmp_path / "results/work").write_text("a file in the place of the folder")
    assert verify_tree([tmp_path / "results"], sound=tmp_path / "results/work/sound.txt") == 1
    assert "if this is cut off, it begins anew" in caplog.text
