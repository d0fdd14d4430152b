"""Files that are published, with the digests by which they are known again."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from growmerge.artifacts import NOTES, manifest_path, read_manifest, verify


@dataclass(frozen=True)
class Remote:
    """A file on the hub: the id of its git blob, and the SHA-256 of its bytes if it is in the large file storage."""

    blob: str
    sha256: str | None = None


@dataclass(frozen=True)
class Content:
    """A file to publish.

    `source` is its path, or its bytes; `artifact` is that whose manifest lists it, None if it is made for the hub.
    """

    name: str
    source: Path | bytes
    sha256: str
    artifact: Path | None = None

    @classmethod
    def of_bytes(cls, name: str, data: bytes) -> Content:
        """A file that is nowhere on the disk."""
        return cls(name, data, hashlib.sha256(data).hexdigest())

    @property
    def is_note(self) -> bool:
        """Whether it may change while the artifact stays the same (a card, a log)."""
        return self.name in NOTES

    @cached_property
    def blob(self) -> str:
        """The id that git gives its bytes. Only small files are in git themselves."""
        data = self.source if isinstance(self.source, bytes) else self.source.read_bytes()
        # git's ids are SHA-1; nothing is trusted because of them that is not equal in size and name, too.
        return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()

    def same(self, there: Remote | None) -> bool:
        """Whether the hub has the same bytes."""
        if there is None:
            return False
        return there.sha256 == self.sha256 if there.sha256 else there.blob == self.blob

    def check(self) -> None:
        """Hold its bytes against the manifest that lists it. Raises GrowmergeError if they differ."""
        if self.artifact is not None:
            verify(self.artifact, only=[self.name])


def of_artifact(artifact: Path) -> list[Content]:
    """The files of an artifact as its manifest lists them. Raises GrowmergeError if it has none."""
    folder = manifest_path(artifact).parent
    files = read_manifest(artifact).files
    return [Content(name, folder / name, files[name]["sha256"], artifact) for name in sorted(files)]
