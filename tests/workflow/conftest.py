"""What the tests of whole grids share."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest


@pytest.fixture
def edit(clone: Path) -> Iterator[Callable[[str, str, str], None]]:
    """Edits a file of the clone for the time of a test."""
    originals = {}

    def apply(name, old, new):
        path = clone / name
        originals.setdefault(path, path.read_text(encoding="utf-8"))
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new), encoding="utf-8")

    yield apply
    for path, text in originals.items():
        path.write_text(text, encoding="utf-8")
