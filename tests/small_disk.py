"""A disk that is small enough to be really full, for tests; it takes root to mount one."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from growmerge.disk import free_bytes


class Disk:
    """A disk that is mounted at `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def fill(self, left: int) -> None:
        """Leave only so many bytes free."""
        (self.folder / "filler").write_bytes(b"x" * (free_bytes(self.folder) - left))

    def free(self) -> None:
        """Free them again, if there are any."""
        (self.folder / "filler").unlink(missing_ok=True)

    def resize(self, size: int) -> None:
        """Make it `size` bytes large."""
        subprocess.run(["mount", "-o", f"remount,size={size}", self.folder], check=True)

    def write_protect(self) -> None:
        """Make it read-only, also for root."""
        subprocess.run(["mount", "-o", "remount,ro", self.folder], check=True)

    def names(self) -> list[str]:
        """All that lies on it."""
        return sorted(path.name for path in self.folder.iterdir() if path.name != "filler")


@contextmanager
def small_disk(folder: Path, size: int) -> Iterator[Disk]:
    """A new disk of `size` bytes at `folder`; skips the test, with the reason, where none can be mounted."""
    folder.mkdir(exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder]
    try:
        mounted = subprocess.run(command, capture_output=True, text=True, check=False)
        refused = mounted.stderr.strip() if mounted.returncode else ""
    except FileNotFoundError as error:
        refused = str(error)
    if refused:
        pytest.skip(f"no small disk can be mounted here, which takes root: {refused}")
    try:
        yield Disk(folder)
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)
