"""Artifacts: folders (or groups of files) with a manifest that says what they hold and where they came from.

A folder is written under a temporary name beside its final one, its manifest last, and renamed in one step: an artifact
exists whole or not at all. Whoever reads one verifies it first.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
import stat
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from growmerge.disk import bytes_under, is_full, no_room
from growmerge.drafts import draft_of, put
from growmerge.errors import GrowmergeError
from growmerge.provenance import provenance

logger = logging.getLogger(__name__)
MANIFEST = "manifest.json"
FORMAT = 1
_OWN_DIGEST = "sha256"  # the key of a manifest for the digest of all its other keys
TRAINING_LOG = "training_log.jsonl"
# Notes about an artifact (times, paths, commands) that are not part of what it is.
NOTES = {"README.md", TRAINING_LOG, "results.json"}


def sha256_file(path: Path) -> str:
    """Hexadecimal digest of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digest_of(data: Any) -> str:
    """Hexadecimal digest of plain data (as JSON with sorted keys)."""
    return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True)
class Manifest:
    """What `manifest.json` holds.

    `files` maps names to {sha256, bytes}; `inputs` maps paths to the digests they had; `config` holds the leaves of the
    configuration that shaped the artifact; `facts` are numbers about it (tokens, FLOPs, steps, ...). The file also
    holds the digest of all this, so that a damaged fact is not taken for a right one.
    """

    files: dict[str, dict[str, Any]]
    inputs: dict[str, str]
    config: Any
    facts: dict[str, Any]
    provenance: dict[str, Any]

    @property
    def digest(self) -> str:
        """Identity of the content: the names and digests of the files, notes left out."""
        return digest_of({name: entry["sha256"] for name, entry in self.files.items() if name not in NOTES})


@dataclass
class Draft:
    """An artifact being written: put files into `folder`, numbers into `facts`."""

    folder: Path
    facts: dict[str, Any] = field(default_factory=dict)


def manifest_path(artifact: Path) -> Path:
    """The manifest of a folder, or of the group of files that share the stem of `artifact`."""
    if artifact.is_dir():
        return artifact / MANIFEST
    beside = artifact.with_suffix(".manifest.json")
    return beside if beside.exists() else artifact.parent / MANIFEST


def read_manifest(artifact: Path) -> Manifest:
    """The manifest of an artifact. Raises GrowmergeError if there is none, or one of another format."""
    path = manifest_path(artifact)
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise GrowmergeError(f"{artifact}: has no {path.name}, so it was never finished; remove it and rerun") from None
    except (OSError, ValueError) as error:  # also not UTF-8
        raise _damaged(artifact, str(error)) from None
    if not isinstance(data, dict):
        raise _damaged(artifact, "not a JSON object")
    if data.get("format") != FORMAT:
        raise GrowmergeError(
            f"{path}: format {data.get('format')!r}, this version reads {FORMAT}; remove {artifact} to rebuild it"
        )
    # Manifests of versions before this digest have none.
    if _OWN_DIGEST in data and data.pop(_OWN_DIGEST) != digest_of(data):
        raise _damaged(artifact, "its text is not what was written")
    for key in ("files", "inputs", "facts", "provenance"):
        if not isinstance(data.get(key), dict):
            raise _damaged(artifact, f"`{key}` is no JSON object")
    for name, entry in data["files"].items():
        if not (isinstance(entry, dict) and {"sha256", "bytes"} <= entry.keys()):
            raise _damaged(artifact, f"no sha256 and bytes of {name!r}")
    facts = _Facts(artifact, data["facts"])
    return Manifest(data["files"], data["inputs"], data.get("config"), facts, data["provenance"])


def _damaged(artifact: Path, reason: str) -> GrowmergeError:
    return GrowmergeError(f"{manifest_path(artifact)}: is damaged ({reason}); remove {artifact} and rerun")


class _Facts(dict[str, Any]):
    """Facts of a manifest; to ask for one that is missing raises GrowmergeError."""

    def __init__(self, artifact: Path, facts: Mapping[str, Any]) -> None:
        super().__init__(facts)
        self._artifact = artifact

    def __missing__(self, name: str) -> Any:
        raise _damaged(self._artifact, f"no fact {name!r}")


def verify(artifact: Path, only: Collection[str] | None = None) -> Manifest:
    """The manifest of an artifact whose files are all there with their digests.

    `only`: names of the files to read, for a caller that needs no others; default: all.
    Raises GrowmergeError naming the first file that is missing, truncated or altered.
    """
    manifest = read_manifest(artifact)
    folder = manifest_path(artifact).parent
    for name in manifest.files if only is None else only:
        entry, path = manifest.files.get(name), folder / name
        if entry is None or not path.exists():
            raise GrowmergeError(f"{path}: is missing from its artifact; remove {_made_with(artifact)} and rerun")
        size = path.stat().st_size
        if size != entry["bytes"]:
            raise GrowmergeError(f"{path}: has {size} bytes, its manifest says {entry['bytes']}; {_advice(artifact)}")
        if sha256_file(path) != entry["sha256"]:
            raise GrowmergeError(f"{path}: its bytes differ from its manifest's sha256; {_advice(artifact)}")
    return manifest


def _advice(artifact: Path) -> str:
    return f"it is damaged: remove {_made_with(artifact)} and rerun"


def _made_with(artifact: Path) -> Path:
    """What a rule makes, and makes again if it is removed: the artifact, or the one that holds it (a checkpoint)."""
    try:
        holder = read_manifest(artifact.parent).files
    except GrowmergeError:
        return artifact
    return artifact.parent if any(name.startswith(f"{artifact.name}/") for name in holder) else artifact


@contextmanager
def publish(
    folder: Path, *, inputs: Sequence[Path] = (), config: Any = None, since: float | None = None
) -> Iterator[Draft]:
    """Write a folder artifact atomically: yields a Draft, then writes the manifest and renames.

    `inputs` are artifacts; their digests are recorded. The wall time in the manifest counts from `since`
    (time.monotonic), or from here. If the body raises, nothing gets the final name. Raises GrowmergeError if the disk
    is full, with the bytes that are needed, as far as they are known (see `growmerge.disk.writing`).
    """
    start = time.monotonic() if since is None else since
    folder = Path(folder)
    draft = Draft(draft_of(folder))
    draft.folder.mkdir(parents=True)
    try:
        yield draft
        files = sorted(
            str(p.relative_to(draft.folder)) for p in draft.folder.rglob("*") if p.is_file() and p.name != MANIFEST
        )
        write_manifest(
            draft.folder / MANIFEST, files, inputs=inputs, config=config, facts=draft.facts, seconds=elapsed(start)
        )
        put(draft.folder, folder)
    except BaseException as error:
        full = is_full(error)
        written = bytes_under(draft.folder) if full else 0
        shutil.rmtree(draft.folder, ignore_errors=True)
        if full:
            raise no_room(folder, error, written) from error
        raise


def elapsed(start: float) -> float:
    """Seconds since `start` (time.monotonic)."""
    return round(time.monotonic() - start, 3)


def write_manifest(
    path: Path,
    files: Sequence[str],
    *,
    inputs: Sequence[Path] = (),
    config: Any = None,
    facts: Mapping[str, Any] | None = None,
    seconds: float | None = None,
) -> None:
    """Write a manifest for `files` (names relative to its folder), replacing an older one in one step.

    The files get the mode of the manifest, which is what the umask (or the folder's default ACL) gives a new file:
    safetensors, for one, writes files that only their owner can read.
    """
    entries = {
        name: {"sha256": sha256_file(path.parent / name), "bytes": (path.parent / name).stat().st_size}
        for name in files
    }
    data = {
        "format": FORMAT,
        "files": entries,
        "inputs": {str(artifact): read_manifest(Path(artifact)).digest for artifact in inputs},
        "config": config,
        "facts": dict(facts or {}),
        "provenance": {**provenance(), "wall_seconds": seconds},
    }
    data = json.loads(json.dumps(data))  # as it will be read: keys are text
    data[_OWN_DIGEST] = digest_of(data)
    with replacing(path) as temporary:
        _write_through(temporary, json.dumps(data, indent=1, ensure_ascii=False) + "\n")
        mode = stat.S_IMODE(temporary.stat().st_mode)
        for file in (path.parent / name for name in files):
            if stat.S_IMODE(file.stat().st_mode) != mode:
                file.chmod(mode)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary name next to `path` to write to, and rename it at the end: `path` exists whole or not at all.

    If the body raises, what it wrote is removed and `path` stays as it was. Raises GrowmergeError if the disk is full.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = draft_of(path)
    try:
        yield temporary
        temporary.replace(path)
    except BaseException as error:
        written = temporary.stat().st_size if temporary.exists() else 0
        temporary.unlink(missing_ok=True)
        if is_full(error):
            raise no_room(path, error, written) from error
        raise


def write_atomically(path: Path, text: str) -> None:
    """Write a text file under a temporary name, flush it to the disk, and rename it."""
    with replacing(path) as temporary:
        _write_through(temporary, text)


def _write_through(path: Path, text: str) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
