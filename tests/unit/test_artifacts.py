"""An artifact exists whole or not at all, and whatever is wrong with one is named."""

import json
import os
import subprocess
import sys

import pytest
import torch
from safetensors.torch import save_file

from growmerge.artifacts import (
    MANIFEST,
    digest_of,
    publish,
    read_manifest,
    replacing,
    verify,
    write_atomically,
    write_manifest,
)
from growmerge.errors import GrowmergeError


def make(folder, text="hello", **publish_arguments):
    with publish(folder, **publish_arguments) as draft:
        (draft.folder / "a.txt").write_text(text, encoding="utf-8")
        (draft.folder / "inner").mkdir()
        (draft.folder / "inner/b.bin").write_bytes(b"\0" * 10)
        draft.facts["tokens"] = 7
    return folder


def edit_manifest(folder, **values):
    """As another version may have written it, before manifests had a digest of their own."""
    path = folder / MANIFEST
    data = json.loads(path.read_text(encoding="utf-8")) | values
    del data["sha256"]
    path.write_text(json.dumps(data), encoding="utf-8")


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


def test_notes_are_not_part_of_what_an_artifact_is(tmp_path):
    for name in ("1", "2"):
        with publish(tmp_path / name) as draft:
            (draft.folder / "a.txt").write_text("hello")
            (draft.folder / "README.md").write_text(f"made by run {name}")
    one, two = (read_manifest(tmp_path / name) for name in ("1", "2"))
    assert one.digest == two.digest
    assert one.files["README.md"] != two.files["README.md"], "they are verified all the same"


def test_a_file_under_another_name_is_another_content(tmp_path):
    for name in ("a.txt", "b.txt"):
        with publish(tmp_path / name) as draft:
            (draft.folder / name).write_text("hello")
    assert read_manifest(tmp_path / "a.txt").digest != read_manifest(tmp_path / "b.txt").digest


def test_digests_of_data_do_not_depend_on_the_order_of_keys():
    assert digest_of({"a": 1, "b": {"c": 2, "d": 3}}) == digest_of({"b": {"d": 3, "c": 2}, "a": 1})
    assert digest_of([1, 2]) != digest_of([2, 1])


def test_manifests_of_artifacts_inside_of_another_do_not_count(tmp_path):
    """They have times and places, so the same checkpoints would be others in the next run."""
    with publish(tmp_path / "checkpoints") as draft:
        make(draft.folder / "step-1")
    assert set(read_manifest(tmp_path / "checkpoints").files) == {"step-1/a.txt", "step-1/inner/b.bin"}


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, SystemExit])
def test_a_failure_leaves_nothing_behind_and_the_old_artifact_alone(tmp_path, error):
    artifact, sibling = make(tmp_path / "artifact"), make(tmp_path / "sibling")
    with pytest.raises(error), publish(artifact) as draft:
        (draft.folder / "a.txt").write_text("half")
        raise error
    with pytest.raises(error), replacing(tmp_path / "note") as temporary:
        temporary.write_text("half")
        raise error
    verify(artifact)
    verify(sibling)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["artifact", "sibling"]


@pytest.mark.parametrize("kind", ["text", "manifest", "artifact"])
def test_what_gets_its_name_is_on_the_disk_before_and_the_old_stays_until_then(tmp_path, monkeypatch, kind):
    """A power cut after the renaming must not leave an empty file with the final name."""
    path = tmp_path / ("artifact/manifest.json" if kind == "artifact" else "note.manifest.json")

    def write(text):
        if kind == "text":
            write_atomically(path, text)
        elif kind == "manifest":
            write_manifest(path, [], config=text)
        else:
            make(path.parent, config=text)

    write("old")
    before = path.read_bytes()
    flush, flushed = os.fsync, {}

    def flush_and_look(number):
        flush(number)
        flushed[os.fstat(number).st_ino] = (os.fstat(number).st_size, path.read_bytes())

    monkeypatch.setattr(os, "fsync", flush_and_look)
    write("newer")
    assert path.read_bytes() != before
    assert flushed[path.stat().st_ino] == (path.stat().st_size, before)


def test_what_a_killed_process_left_is_swept_away(tmp_path):
    partial = tmp_path / ".artifact.partial"
    partial.mkdir()
    (partial / "half").write_text("x")
    assert "half" not in verify(make(tmp_path / "artifact")).files
    assert not partial.exists()


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda a: (a / "a.txt").write_text("jello"), "a.txt: its bytes differ"),
        (lambda a: (a / "a.txt").write_text("hell"), "a.txt: has 4 bytes, its manifest says 5"),
        (lambda a: (a / "inner/b.bin").unlink(), "b.bin: is missing"),
        (lambda a: (a / MANIFEST).unlink(), "was never finished"),
        (lambda a: (a / MANIFEST).write_text("{"), "manifest.json: is damaged"),
        (lambda a: (a / MANIFEST).write_text(json.dumps({"format": 0})), "format 0, this version reads 1"),
        (lambda a: (a / MANIFEST).write_text("[]"), "manifest.json: is damaged .not a JSON object"),
        (lambda a: (a / MANIFEST).write_text('{"format": 1}'), "manifest.json: is damaged .`files` is no JSON object"),
        (lambda a: edit_manifest(a, files={"a.txt": "hello"}), "no sha256 and bytes of 'a.txt'"),
        (lambda a: edit_manifest(a, facts=[7]), "`facts` is no JSON object"),
        (lambda a: (a / MANIFEST).write_bytes(b"\xff"), "manifest.json: is damaged"),
    ],
)
def test_damage_is_named(tmp_path, damage, message):
    artifact = make(tmp_path / "artifact")
    damage(artifact)
    with pytest.raises(GrowmergeError, match=message):
        verify(artifact)


def test_no_bit_of_a_manifest_changes_unnoticed(tmp_path):
    artifact = make(tmp_path / "artifact", config={4: "keys that are no text", "share": 0.1})
    right, manifest = (artifact / MANIFEST).read_bytes(), read_manifest(artifact)
    for place in range(0, len(right), 3):
        damaged = bytearray(right)
        damaged[place] ^= 1 << place % 8
        (artifact / MANIFEST).write_bytes(damaged)
        try:
            assert read_manifest(artifact) == manifest, f"byte {place}"
        except GrowmergeError:
            continue


def test_a_file_that_a_manifest_lacks_is_named_by_who_needs_it(tmp_path):
    edit_manifest(make(tmp_path / "artifact"), files={})
    with pytest.raises(GrowmergeError, match=r"artifact/a.txt: is missing from its artifact"):
        verify(tmp_path / "artifact", only=["a.txt"])


def test_a_fact_that_a_manifest_lacks_is_named(tmp_path):
    facts = read_manifest(make(tmp_path / "artifact")).facts
    assert facts["tokens"] == 7
    with pytest.raises(GrowmergeError, match=r"artifact/manifest.json: is damaged \(no fact 'documents'\); remove"):
        facts["documents"]


@pytest.mark.parametrize("umask", [0o022, 0o002, 0o077])
def test_published_files_are_as_readable_as_the_umask_says(tmp_path, umask):
    """safetensors writes its files for their owner alone, and copies have the mode of what they are made from."""
    before = os.umask(umask)
    try:
        with publish(tmp_path / "artifact") as draft:
            save_file({"a": torch.zeros(3)}, draft.folder / "model.safetensors")
            (draft.folder / "inner").mkdir()
            (draft.folder / "inner/read-only.txt").touch(0o444)
    finally:
        os.umask(before)
    files = [path for path in (tmp_path / "artifact").rglob("*") if path.is_file()]
    assert len(files) == 3
    assert {path.stat().st_mode & 0o777 for path in files} == {0o666 & ~umask}
    assert (tmp_path / "artifact").stat().st_mode & 0o777 == 0o777 & ~umask


def test_files_beside_one_another_share_a_manifest(tmp_path):
    for suffix in ("csv", "pdf"):
        (tmp_path / f"figure.{suffix}").write_text(suffix)
    write_manifest(tmp_path / "figure.manifest.json", ["figure.csv", "figure.pdf"])
    assert set(verify(tmp_path / "figure.pdf").files) == {"figure.csv", "figure.pdf"}


def test_of_a_checkpoint_among_others_the_folder_of_all_is_to_be_removed(tmp_path):
    """A rule makes all of them: Snakemake does not see whether one is missing."""
    with publish(tmp_path / "checkpoints") as draft:
        make(draft.folder / "step-1")
    (tmp_path / "checkpoints/step-1/a.txt").write_text("bad")
    with pytest.raises(GrowmergeError, match=f"remove {tmp_path}/checkpoints and rerun$"):
        verify(tmp_path / "checkpoints/step-1")


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


def test_ctrl_c_ends_a_job_without_a_traceback(tmp_path):
    for begin in ("with job(sys.argv[1]):", "with imports():"):
        code = (
            f"import signal, sys\nfrom growmerge.job import imports, job\n{begin}\n    signal.raise_signal(2)\n    pass"
        )
        ended = subprocess.run([sys.executable, "-c", code, tmp_path / "a.log"], capture_output=True, text=True)
        assert ended.returncode == 130
        assert "Traceback" not in ended.stderr
    assert "interrupted by Ctrl-C" in (tmp_path / "a.log").read_text()
