"""A folder with one wheel, as the only place that pip looks at."""

import hashlib
import zipfile
from pathlib import Path


def make_wheel(folder: Path) -> Path:
    """The wheel of `some-words` 1.0, in a new folder."""
    folder.mkdir()
    path = folder / "some_words-1.0-py3-none-any.whl"
    info = "some_words-1.0.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: some-words\nVersion: 1.0\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    return path


def only_from(folder: Path) -> dict[str, str]:
    """The environment in which pip takes packages from there alone."""
    return {"PIP_CONFIG_FILE": "/dev/null", "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": folder.as_uri()}


def digest(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
