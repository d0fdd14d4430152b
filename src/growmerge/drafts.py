"""Names under which files and folders are written until they are whole.

Two processes may make the same artifact at once: a job that outlived its Snakemake, and that of the next run. So each
writes under a name of its own, and the last to end replaces what the other has made, in one step.
"""

from __future__ import annotations

import errno
import glob
import os
import re
import shutil
import socket
import time
from contextlib import suppress
from pathlib import Path

_END = ".partial"
_OWNED = re.compile(r"-\d+$")  # older versions wrote under names without a process
OLD = 3600.0  # seconds without a write, after which the draft of a process on another node counts as left behind


def draft_of(path: Path) -> Path:
    """Where this process writes what shall be `path`. Drafts of `path` whose processes are gone are removed."""
    own = path.with_name(f".{path.name}.{socket.gethostname()}-{os.getpid()}{_END}")
    name = glob.escape(path.name)
    for pattern in (f".{name}{_END}", f".{name}.*{_END}"):
        for draft in path.parent.glob(pattern):
            if draft == own or _is_left(draft):
                _remove(draft)
    return own


def left_behind(folder: Path) -> list[Path]:
    """The drafts below a folder whose processes are gone, as far as it can be known."""
    return sorted(draft for draft in folder.rglob(f".*{_END}") if _is_left(draft))


def put(draft: Path, folder: Path) -> None:
    """Rename a folder that is whole to its final name, in the place of an older one."""
    old = draft.with_name(draft.name.removesuffix(_END) + f".old{_END}")
    while True:
        shutil.rmtree(old, ignore_errors=True)
        with suppress(FileNotFoundError):
            folder.rename(old)
        try:
            draft.rename(folder)
            break
        except OSError as error:  # another process was faster in between
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
    shutil.rmtree(old, ignore_errors=True)


def runs(process: int) -> bool:
    """Whether a process of this machine runs, by its number."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # another user's
        return True
    return True


def _is_left(draft: Path) -> bool:
    owner = draft.name.removesuffix(_END).removesuffix(".old")
    host, _, process = owner.rpartition("-")
    if host.endswith(f".{socket.gethostname()}") and process.isdecimal():
        return not runs(int(process))
    try:
        written = max(path.stat().st_mtime for path in (draft, *draft.rglob("*")))
    except FileNotFoundError:  # it is no draft any more
        return False
    return not _OWNED.search(owner) or time.time() - written > OLD


def _remove(draft: Path) -> None:
    if draft.is_dir():
        shutil.rmtree(draft, ignore_errors=True)
    else:
        draft.unlink(missing_ok=True)
