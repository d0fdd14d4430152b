"""Names under which files and folders are written until they are whole.

Two processes may make the same artifact at once: a job that outlived its Snakemake, and that of the next run. So each
writes under a name of its own, and the last to end replaces what the other has made, in one step.
"""

from __future__ import annotations

import errno
import glob
import os
import shutil
import socket
import time
from contextlib import suppress
from pathlib import Path

_END = ".partial"
OLD = 24 * 3600.0  # seconds, after which the draft of a process on another node counts as left behind


def draft_of(path: Path) -> Path:
    """Where this process writes what shall be `path`. What others left there is removed, if they are gone."""
    own = path.with_name(f".{path.name}.{socket.gethostname()}-{os.getpid()}{_END}")
    name = glob.escape(path.name)
    for pattern in (f".{name}{_END}", f".{name}.*{_END}"):
        for draft in path.parent.glob(pattern):
            if draft == own or _is_left(draft, path.name):
                _remove(draft)
    return own


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


def _is_left(draft: Path, name: str) -> bool:
    owner = draft.name.removeprefix(f".{name}").removesuffix(_END).removesuffix(".old").removeprefix(".")
    host, _, process = owner.rpartition("-")
    if host == socket.gethostname() and process.isdecimal():
        return not runs(int(process))
    try:
        return not owner or time.time() - draft.stat().st_mtime > OLD
    except FileNotFoundError:
        return False


def _remove(draft: Path) -> None:
    if draft.is_dir():
        shutil.rmtree(draft, ignore_errors=True)
    else:
        draft.unlink(missing_ok=True)
