"""Text of the running Python itself: English prose from its documentation, code from its standard library."""

import re
import sysconfig
from collections.abc import Iterator
from pathlib import Path

from growmerge.data.documents import Document, source_id

_NOT_LIBRARY = {"site-packages", "dist-packages", "test", "tests", "idlelib", "lib2to3", "turtledemo", "pydoc_data"}
# Lists, tables, headings and grammar; what is left and reads "Capital ... full stop" is prose, code hardly ever does.
_NOT_PROSE = re.compile(r"^\s*(?:[-*|+>]|\d+\.)\s|[-=*~+]{4}|::=|>>>", re.MULTILINE)
_PROSE = re.compile(r'["“]?[A-Z].*[.:?]', re.DOTALL)


def read_topics() -> Iterator[Document]:
    """English prose paragraphs of the language reference, as ``pydoc`` carries it.

    The text varies a little with the patch version of Python, which the manifest of the artifact records; the id
    depends only on the paragraph.
    """
    from pydoc_data.topics import topics  # half a megabyte of text, of no use to other callers of this module

    for name in sorted(topics):
        for paragraph in re.split(r"\n\s*\n", topics[name]):
            text = " ".join(paragraph.replace("*", "").split())
            if _PROSE.fullmatch(text) and not _NOT_PROSE.search(paragraph):
                yield Document(source_id(text), text)


def read_stdlib_code(max_bytes: int) -> Iterator[Document]:
    """Source files of the standard library, sorted by path (the id), as long as they fit into ``max_bytes``.

    Tests and installed packages are left out. The text varies with the patch version of Python, which the manifest of
    the artifact records.
    """
    root = Path(sysconfig.get_paths()["stdlib"])
    paths = sorted((path.relative_to(root) for path in root.rglob("*.py")), key=lambda path: path.as_posix())
    used = 0
    for path in paths:
        if _NOT_LIBRARY.isdisjoint(path.parts):
            text = (root / path).read_text(encoding="utf-8")
            if used + len(text.encode()) <= max_bytes:
                used += len(text.encode())
                yield Document(path.as_posix(), text)
