"""An artifact exists whole or not at all, and whatever is wrong with one is named."""

import errno
import json

import pytest

from growmerge.artifacts import MANIFEST, publish, read_manifest, verify, verify_tree, write_manifest
from growmerge.errors import GrowmergeError


def make(folder, text="hello", **publish_arguments):
    with publish(folder, **publish_arguments) as draft:
        (draft.folder / "a.txt").write_text(text, encoding="utf-8")
        (draft.folder / "inner").mkdir()
        (draft.folder / "inner/b.bin").write_bytes(b"\0" * 10)
        draft.facts["tokens"] = 7
    return folder


def test_a_manifest_says_what_and_where_from(tmp_path):
    source = make(tmp_path / "source")
    artifact = make(tmp_path / "artifact", inputs=[source], config={"seed": 42})
    manifest = verify(artifact)
    assert set(manifest.files) == {"a.txt", "inner/b.bin"}
    assert manifest.files["inner/b.bin"]["bytes"] == 10
    assert manifest.inputs == {str(source): read_manifest(source).digest}
    assert manifest.config == {"seed": 42}
    assert manifest.facts == {"tokens": 7}
    assert {"created", "commit", "versions", "hardware", "wall_seconds"} <= manifest.provenance.keys()


def test_the_digest_is_of_the_content_and_nothing_else(tmp_path):
    one, same, other = make(tmp_path / "1"), make(tmp_path / "2", config="c"), make(tmp_path / "3", text="other")
    assert read_manifest(one).digest == read_manifest(same).digest != read_manifest(other).digest


def test_a_failure_leaves_nothing_behind_and_the_old_artifact_alone(tmp_path):
    artifact, sibling = make(tmp_path / "artifact"), make(tmp_path / "sibling")
    with pytest.raises(RuntimeError), publish(artifact) as draft:
        (draft.folder / "a.txt").write_text("half")
        raise RuntimeError
    verify(artifact)
    verify(sibling)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["artifact", "sibling"]


def test_what_a_killed_process_left_is_swept_away(tmp_path):
    partial = tmp_path / ".artifact.partial"
    partial.mkdir()
    (partial / "half").write_text("x")
    assert "half" not in verify(make(tmp_path / "artifact")).files
    assert not partial.exists()


def test_a_full_disk_is_explained(tmp_path):
    message = r"artifact: the disk is full \([\d,]+ bytes free\)"
    with pytest.raises(GrowmergeError, match=message), publish(tmp_path / "artifact"):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert not (tmp_path / "artifact").exists()


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda a: (a / "a.txt").write_text("jello"), "a.txt: its bytes differ"),
        (lambda a: (a / "a.txt").write_text("hell"), "a.txt: has 4 bytes, its manifest says 5"),
        (lambda a: (a / "inner/b.bin").unlink(), "b.bin: is missing"),
        (lambda a: (a / MANIFEST).unlink(), "was never finished"),
        (lambda a: (a / MANIFEST).write_text("{"), "manifest.json: is damaged"),
        (lambda a: (a / MANIFEST).write_text(json.dumps({"format": 0})), "format 0, this version reads 1"),
    ],
)
def test_damage_is_named(tmp_path, damage, message):
    artifact = make(tmp_path / "artifact")
    damage(artifact)
    with pytest.raises(GrowmergeError, match=message):
        verify(artifact)


def test_files_beside_one_another_share_a_manifest(tmp_path):
    for suffix in ("csv", "pdf"):
        (tmp_path / f"figure.{suffix}").write_text(suffix)
    write_manifest(tmp_path / "figure.manifest.json", ["figure.csv", "figure.pdf"])
    assert set(verify(tmp_path / "figure.pdf").files) == {"figure.csv", "figure.pdf"}


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
    make(artifact, inputs=[source])
    make(source, text="newest")
    with pytest.raises(GrowmergeError, match=r"artifact: was made from another .*source than there is now"):
        verify_tree([artifact, source, third])


def test_verify_tree_of_nothing_and_of_the_unfinished(tmp_path):
    with pytest.raises(GrowmergeError, match="nothing is built yet"):
        verify_tree([tmp_path])
    make(tmp_path / "models/whole")
    make(tmp_path / "work/x/state-1")
    (tmp_path / "models/half").mkdir()
    assert verify_tree([tmp_path], expected=[tmp_path / "models/whole", tmp_path / "models/absent"]) == 1
    with pytest.raises(GrowmergeError, match=r"models/half: has no manifest"):
        verify_tree([tmp_path], expected=[tmp_path / "models/half"])


@pytest.fixture
def job():
    """Imported here, as it holds back the garbage collector until it is called."""
    from growmerge.job import job

    return job


def test_a_job_prints_a_user_error_alone_and_logs_it(job, tmp_path, capsys):
    with pytest.raises(SystemExit) as stop, job(tmp_path / "logs/a.log"):
        raise GrowmergeError("config.yaml: bad")
    assert stop.value.code == 1
    assert "Traceback" not in capsys.readouterr().err
    assert "error: config.yaml: bad" in (tmp_path / "logs/a.log").read_text()


def test_a_job_keeps_the_traceback_of_a_bug(job, tmp_path):
    with pytest.raises(SystemExit), job(tmp_path / "a.log"):
        raise KeyError("bug")
    assert "Traceback" in (tmp_path / "a.log").read_text()
