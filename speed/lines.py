"""What a measurement found, as lines of JSON: each is kept at once, so that nothing is lost if the next one fails."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

Row = dict[str, Any]


def add(file: Path | None, row: Row) -> None:
    """Append a row to a file, if there is one."""
    if file:
        with file.open("a", encoding="utf-8") as lines:
            lines.write(json.dumps(row) + "\n")


def add_comparison(file: Path | None, what: str, other: str, ours: Sequence[float], theirs: Sequence[float]) -> None:
    """Append a comparison for speed/compare.py: what both took in each round, in the same unit."""
    add(file, {"what": what, "other": other, "ours": list(ours), "theirs": list(theirs)})


def read(file: Path) -> list[Row]:
    """The rows of a file; none if it does not exist."""
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()] if file.exists() else []


def why(error: BaseException) -> str:
    """An error in one line."""
    return f"{type(error).__name__}: {' '.join(str(error).split())}"[:300]


def last_line(text: str) -> str:
    """The last line of a program's messages that is not empty, which is where Python names an error."""
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "no message")[:300]
