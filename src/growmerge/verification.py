"""Everything under some folders, compared with its manifests: on several cores, and continued where it was cut off."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from threading import Lock

from growmerge.artifacts import MANIFEST, manifest_path, read_manifest, sha256_file, verify
from growmerge.disk import bytes_under
from growmerge.drafts import left_behind
from growmerge.errors import GrowmergeError

logger = logging.getLogger(__name__)


class Sound:
    """The artifacts that a verification has found sound so far, in a file with a line for each.

    A line holds the digest of a manifest and its path, so that what is made again is verified again. The file lasts
    from the beginning of a verification to its end: a disk may damage what was sound a month ago. Where no file can be
    written, nothing is remembered.
    """

    def __init__(self, path: Path | None = None) -> None:
        """`path`: where the file is; None to remember nothing."""
        self._path = path
        self._lock = Lock()
        # A last line that was cut off while it was written has no end.
        text = path.read_text(encoding="utf-8", errors="replace") if path and path.exists() else ""
        self._lines = set(text.split("\n")[:-1])

    def __len__(self) -> int:
        return len(self._lines)

    def __contains__(self, manifest: Path) -> bool:
        return bool(self._lines) and _line(manifest) in self._lines

    def add(self, manifest: Path) -> None:
        """Remember the artifact with this manifest. Several threads may call it."""
        with self._lock:
            if self._path is None:
                return
            try:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                with self._path.open("a", encoding="utf-8") as file:
                    file.write(f"{_line(manifest)}\n")
            except OSError as error:
                logger.warning("%s: %s; if this is cut off, it begins anew", self._path, error.strerror)
                self._path = None

    def forget(self) -> None:
        """Remove the file, at the end of a verification."""
        if self._path and self._path.exists():
            self._path.unlink()


def _line(manifest: Path) -> str:
    return f"{sha256_file(manifest)} {manifest}"


def verify_tree(
    folders: Sequence[Path], expected: Sequence[Path] = (), *, threads: int = 1, sound: Path | None = None
) -> int:
    """Verify every artifact under `folders`; returns how many there are.

    Also compares the recorded digests of inputs with the inputs as they are now, and says which of the `expected`
    artifacts are there without a manifest. Unfinished work is named and passed over. Empty folders in `work` are not
    named: jobs leave those that they share. Raises GrowmergeError that lists all that is wrong, or if there is nothing
    to verify.

    `threads` artifacts are read at a time. `sound` is a file that remembers what was found sound while this runs (see
    `Sound`): if it is cut off and called again, those files are not read a second time.
    """
    for left in sorted(path for folder in folders for path in folder.glob("work/*/*") if bytes_under(path)):
        logger.warning("%s: left by an unfinished job, which takes it up or removes it when it runs again", left)
    for draft in (draft for folder in folders for draft in left_behind(folder)):
        logger.warning("%s: left by a job that was killed while it wrote; remove it", draft)
    manifests = _manifests(folders)
    if not manifests:
        raise GrowmergeError(f"{', '.join(map(str, folders))}: nothing is built yet, so there is nothing to verify")
    remembered = Sound(sound)
    if len(remembered):
        logger.info("going on: %d artifacts were found sound before this was cut off", len(remembered))

    @cache
    def digest_now(source: str) -> str:
        return read_manifest(Path(source)).digest

    def faults(manifest: Path) -> list[str]:
        artifact = _artifact(manifest)
        try:
            known = manifest in remembered
            inputs = verify(artifact, only=() if known else None).inputs
            if not known:
                remembered.add(manifest)
            return [
                f"{artifact}: was made from another {source} than there is now; rerun"
                for source, digest in inputs.items()
                if Path(source).exists() and digest_now(source) != digest
            ]
        except GrowmergeError as error:
            return [str(error)]

    with _pool(threads) as pool:
        problems = [fault for found in pool.map(faults, manifests) for fault in found]
    remembered.forget()
    problems += [
        f"{artifact}: has no manifest, so it was never finished; remove it and rerun"
        for artifact in expected
        if artifact.exists() and not manifest_path(artifact).exists()
    ]
    if problems:
        raise GrowmergeError("\n".join([f"{len(problems)} of {len(manifests)} artifacts are not sound:", *problems]))
    missing = sum(not artifact.exists() for artifact in expected)
    more = f"; {missing} more are not built" if missing else ""
    logger.info("all %d artifacts agree with their manifests%s", len(manifests), more)
    return len(manifests)


def _manifests(folders: Sequence[Path]) -> list[Path]:
    return sorted(
        path
        for folder in folders
        for pattern in (MANIFEST, "*.manifest.json")
        for path in folder.rglob(pattern)
        if "work" not in path.relative_to(folder).parts[:1] and not _is_hidden(path.relative_to(folder))
    )


def _is_hidden(path: Path) -> bool:
    """Whether it is in a draft, which a job may have been killed over."""
    return any(part.startswith(".") for part in path.parts)


def _artifact(manifest: Path) -> Path:
    """The artifact of a manifest: its folder; for a group of files, their pattern, which can be copied to a shell."""
    if manifest.name == MANIFEST:
        return manifest.parent
    return manifest.with_name(manifest.name.replace(".manifest.json", ".*"))


@contextmanager
def _pool(threads: int) -> Iterator[ThreadPoolExecutor]:
    """Threads suffice: digests are computed outside of Python's lock. What still waits is given up at an error."""
    pool = ThreadPoolExecutor(threads)
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)
