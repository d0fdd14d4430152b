"""Lines of local text files that have a record on each."""

from __future__ import annotations

from pathlib import Path

from growmerge.errors import GrowmergeError


def read_lines(path: Path) -> list[str]:
    """The lines of a file in UTF-8, with a byte order mark or without, carriage returns included.

    Only line feeds end a line: `splitlines` would also break text at U+2028 and the like. Raises GrowmergeError for a
    file that cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise GrowmergeError(f"{path}: cannot be read ({error})") from error
