"""Text and packages under `add` reach the jobs that fetch them, with all that is stated of them."""

import json
from pathlib import Path

import pytest
import yaml
from archive_server import ArchiveServer, sha1
from wheels import digest, make_wheel, only_from

from growmerge.artifacts import read_manifest
from workflow.snakemake import LAPTOP, copy_of_the_repository, snakemake

pytestmark = pytest.mark.workflow
CONTENTS = [f"def f_{i}():\n    return {i}\n".encode() for i in range(8)]


def test_jobs_know_where_added_text_comes_from(tmp_path, monkeypatch):
    clone = copy_of_the_repository(tmp_path / "clone")
    wheel = make_wheel(tmp_path / "index")
    for name, value in only_from(wheel.parent).items():
        monkeypatch.setenv(name, value)
    ids = tmp_path / "ids.jsonl"
    ids.write_text("".join(json.dumps({"blob_id": sha1(c)}) + "\n" for c in [*CONTENTS, b"not archived"]), "utf-8")
    with ArchiveServer(CONTENTS) as server:
        listed = {"kind": "files", "paths": [str(ids)], "id_field": "blob_id"}
        source = {"kind": "software_heritage", "ids": listed, "url": server.address, "missing": 0.2, "at_once": 2}
        package = {"name": "some-words", "version": "1.0", "sha256": digest(wheel), "licence": "MIT"}
        added = {"corpora": [{"name": "added", "sources": [source]}], "packages": [package]}
        overlay = tmp_path / "mine.yaml"
        overlay.write_text(yaml.safe_dump({"study": "mine", "add": added}), encoding="utf-8")
        targets = ["results/mine/documents/added/1-of-1", "results/downloads/some-words-1.0"]
        snakemake(clone, *targets, *LAPTOP, "--configfile", "config/miniature.yaml", str(overlay))
        assert set(server.requests) == {sha1(content) for content in [*CONTENTS, b"not archived"]}
    documents, downloaded = (read_manifest(clone / target) for target in targets)
    assert documents.facts["kept"]["documents"] == 8
    assert downloaded.facts["licence"] == "MIT"
    assert list(Path(clone / targets[1]).glob("*.whl"))
