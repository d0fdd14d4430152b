"""Which part of a corpus a document belongs to: by a hash of its id, or by published lists of ids."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NotRequired, TypedDict

import numpy as np

from growmerge.artifacts import publish, sha256_file
from growmerge.config.corpora import FileSource, HubSource
from growmerge.data.files import read_id_files
from growmerge.data.hub import HubFiles
from growmerge.errors import GrowmergeError
from growmerge.hashing import hash64, unit_hash

logger = logging.getLogger(__name__)
IDS = "ids.npy"


def read_ids(source: FileSource | HubSource) -> Iterable[str]:
    """The ids that a source lists in its `id_field`, a row each, with its `id_prefix`."""
    assert source.id_field is not None, "checked with the configuration"
    if isinstance(source, HubSource):
        listed = HubFiles(source).read_ids(source.id_field)
    else:
        listed = read_id_files(source.files(), source.id_field)
    return (f"{source.id_prefix or ''}{identifier}" for identifier in listed)


def publish_ids(folder: Path, source: FileSource | HubSource, files: Sequence[Path]) -> None:
    """Publish the list of ids of a part as `folder`; `files` are the local files of `source`, if it has any.

    The digests of the files are facts of the manifest. Raises GrowmergeError for a source that cannot be read.
    """
    with publish(folder, config=source.model_dump(mode="json")) as draft:
        counts = write_ids(read_ids(source), draft.folder / IDS)
        draft.facts |= counts
        draft.facts["files"] = {str(file): sha256_file(file) for file in files}
        logger.info("%s: %d ids, %d of them repeated", folder.name, counts["listed"], counts["repeated"])


def write_ids(ids: Iterable[str], path: Path) -> dict[str, int]:
    """Write the 64-bit hashes of the ids, sorted, as a NumPy array (uint64) that can be memory-mapped.

    Holds 8 bytes an id (and a copy, to sort them). Returns the numbers of ids `listed` and of those `repeated`.
    """
    hashes = np.fromiter(map(hash64, ids), dtype=np.uint64)
    unique = np.unique(hashes)
    np.save(path, unique)
    return {"listed": len(hashes), "repeated": len(hashes) - len(unique)}


class PartIds:
    """A list of ids written by :func:`write_ids`, looked up by binary search on the disk.

    It holds hashes, so an id that is not listed passes for one with probability (length of the list) / 2^64. Of 190
    million documents (FineWeb-Edu), 152 million of them listed, one of the 38 million others does so with a
    probability of 38e6 x 152e6 / 2^64 = 0.0003.
    """

    def __init__(self, path: Path) -> None:
        self._hashes = np.load(path, mmap_mode="r")

    def __contains__(self, identifier: str) -> bool:
        wanted = np.uint64(hash64(identifier))
        place = int(np.searchsorted(self._hashes, wanted))
        return place < len(self._hashes) and bool(self._hashes[place] == wanted)


class Share(TypedDict):
    """A part of a corpus: its name, and what share of the corpus it is (not given if ids are listed)."""

    name: str
    share: NotRequired[float]


class Parts:
    """The parts of a corpus. A document belongs to one part, or to none if all parts have lists that lack it."""

    def __init__(self, parts: Sequence[Share], lists: Mapping[str, Path] | None = None) -> None:
        """`parts` are {name, share}; `lists` maps the names of parts to their ids (:func:`write_ids`).

        Without lists, a document falls into the part in whose range a hash of its id lies, so that parts stay the same
        when documents are added. With lists, the part that has none takes what is on no list.
        """
        self._names = [part["name"] for part in parts]
        self._shares = [part.get("share", 0.0) for part in parts]
        self._lists = {name: PartIds(path) for name, path in (lists or {}).items()}
        self._rest = next((name for name in self._names if name not in self._lists), None)

    def holds(self, part: str, identifier: str) -> bool:
        """Whether the document with this id belongs to the part; a corpus without parts is one itself.

        Raises GrowmergeError if it is on two lists.
        """
        return not self._names or self._of(identifier) == part

    def _of(self, identifier: str) -> str | None:
        if self._lists:
            found = [name for name, ids in self._lists.items() if identifier in ids]
            if len(found) > 1:
                raise GrowmergeError(
                    f"parts {' and '.join(found)}: document {identifier!r} is in the `ids` of both; the lists of a "
                    "corpus's parts must not overlap"
                )
            return found[0] if found else self._rest
        place, high = unit_hash(identifier, "part"), 0.0
        for name, share in zip(self._names[:-1], self._shares[:-1], strict=True):
            high += share
            if place < high:
                return name
        return self._names[-1]
