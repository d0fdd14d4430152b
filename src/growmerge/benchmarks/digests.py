"""Single files whose digest is stated: read only if it is right."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from growmerge.artifacts import sha256_file
from growmerge.errors import GrowmergeError


@contextmanager
def with_digest(file: str, sha256: str | None) -> Iterator[str]:
    """The path of a file that has the digest.

    A file from an address is copied first, and the copy lasts as long as the context: what is read is what was checked.
    Without a digest, the path or address is given as it is. Raises GrowmergeError if the file has another digest, and
    OSError if it cannot be fetched.
    """
    if sha256 is None:
        yield file
        return
    if "://" not in file:
        if Path(file).is_file():  # else the reader says that it is not there
            _check(file, Path(file), sha256)
        yield file
        return
    import fsspec

    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, PurePosixPath(urlsplit(file).path).name)
        with fsspec.open(file, "rb") as source, copy.open("wb") as target:
            shutil.copyfileobj(source, target)
        _check(file, copy, sha256)
        yield str(copy)


def _check(name: str, file: Path, sha256: str) -> None:
    found = sha256_file(file)
    if found != sha256:
        raise GrowmergeError(
            f"{name}: expected sha256 {sha256}, found {found}, so it is not the file that was meant; look at it before "
            "you change `sha256` of this source"
        )
