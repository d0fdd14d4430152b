"""Disks: how much is free where, how much lies where, and one clear line when one is full."""

from __future__ import annotations

import errno
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from growmerge.errors import GrowmergeError

# EFBIG: a file would be larger than files may be, by `ulimit -f` or the file system.
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
# safetensors and tokenizers, which are in Rust, raise errors of their own that only tell the number.
_FULL_IN_RUST = re.compile(rf"\(os error ({'|'.join(map(str, _FULL))})\)")
# NumPy says how many elements it could not write, without a number of an error.
_FULL_IN_NUMPY = re.compile(r"\d+ requested and \d+ written")


class FullDisk(OSError):
    """A disk was full when `needed` bytes were to be written; `number` is that of the error."""

    def __init__(self, needed: int, number: int = errno.ENOSPC) -> None:
        super().__init__(number, f"No room for {needed:,} bytes")
        self.needed = needed

    def __reduce__(self) -> tuple[type[FullDisk], tuple[int, int | None]]:  # it may come from another process
        return FullDisk, (self.needed, self.errno)


class NoRoom(GrowmergeError):
    """The same as one line for the person at the terminal: `path` needs `needed` bytes or more (0: unknown)."""

    def __init__(self, path: Path, needed: int = 0, number: int = errno.ENOSPC) -> None:
        if number == errno.EFBIG:
            known = f" ({needed:,} bytes or more are to be written)" if needed else ""
            what = f"a file would be larger than files may be here{known}; raise the limit (`ulimit -f`)"
        else:
            known = f"at least {needed:,} bytes are needed, " if needed else ""
            what = f"the disk (or your quota) is full: {known}{free_bytes(path):,} bytes are free; free some space"
        super().__init__(f"{path}: {what} and rerun, which goes on from what is finished")
        self.needed, self.number = needed, number


def is_full(error: BaseException) -> bool:
    """Whether an exception, of whatever library, says that a disk or a quota is full, or was raised because of that.

    Matplotlib, for one, cannot close a PDF that it could not write, and raises AttributeError.
    """
    return any(map(_says_full, _chain(error)))


def _says_full(error: BaseException) -> bool:
    if isinstance(error, OSError):
        return error.errno in _FULL or bool(_FULL_IN_NUMPY.search(str(error)))
    return isinstance(error, NoRoom) or bool(isinstance(error, Exception) and _FULL_IN_RUST.search(str(error)))


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


@contextmanager
def writing(needed: int) -> Iterator[None]:
    """Within it, `needed` bytes are written. Raises FullDisk, which knows them, for a full disk."""
    try:
        yield
    except Exception as error:
        if is_full(error):
            raise FullDisk(needed, _number(error)) from error
        raise


def no_room(path: Path, error: BaseException, written: int) -> NoRoom:
    """What is raised if `error` (see `is_full`) ended the writing of `path`, after `written` bytes.

    Call it after these bytes are removed, since they count as free then. If several artifacts are written at once,
    `error` may be what this function made for another of them.
    """
    if isinstance(error, NoRoom):
        return NoRoom(path, error.needed + written, error.number)
    return NoRoom(path, error.needed if isinstance(error, FullDisk) else written, _number(error))


def _number(error: BaseException) -> int:
    """Which of the errors of a full disk it is."""
    for cause in filter(_says_full, _chain(error)):
        if isinstance(cause, OSError) and cause.errno in _FULL:
            return cause.errno
        if found := _FULL_IN_RUST.search(str(cause)):
            return int(found[1])
    return errno.ENOSPC


def free_bytes(path: Path) -> int:
    """Bytes that are free where `path` lies, or would: links are followed, and it need not exist."""
    place = path.resolve()
    while not place.exists():
        place = place.parent
    return shutil.disk_usage(place).free


def bytes_under(folder: Path) -> int:
    """Bytes of the files in a folder and its sub-folders; 0 if there is no folder. Files may vanish meanwhile."""
    total = 0
    for root, _, names in os.walk(folder):
        for name in names:
            with suppress(FileNotFoundError):
                total += os.lstat(Path(root) / name).st_size
    return total
