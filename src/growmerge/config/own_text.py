"""Text of the user's own that a language names with `text`: what source it is, and how much text it has."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from growmerge.catalogue.languages import tokens_of
from growmerge.config.corpora import FileSource
from growmerge.errors import GrowmergeError

# What is read to know the size of text: so many bytes of so many files. Smaller files are counted, others estimated
# from their beginnings, and further files from the first ones: the rules are parsed for every job, and so is this.
READ = 2_000_000
MOST_FILES = 20
COMPRESSION = 3  # text in a .gz file is so many times larger


def missing_of(text: str | Sequence[str]) -> str | None:
    """The first path or glob of `text` that matches nothing."""
    paths = [text] if isinstance(text, str) else text
    return next((path for path in paths if not _files({"paths": [path]})), None)


def source_of(text: str | Sequence[str], subset: str | None) -> dict[str, Any]:
    """The source that `text` stands for: a folder in the hub's layout, or files by their paths or globs.

    Every line of .txt files is a document if their beginnings have no blank line: they hold a sentence a line.
    """
    paths = [text] if isinstance(text, str) else list(text)
    folder = Path(paths[0])
    if len(paths) == 1 and folder.is_dir():
        card = folder / "README.md"
        named = subset and card.is_file() and f"config_name: {subset}\n" in card.read_text(encoding="utf-8")
        return {"kind": "hub", "dataset": str(folder)} | ({"config": subset} if named else {})
    source: dict[str, Any] = {"kind": "files", "paths": paths}
    beginnings = [_beginning(file) for file in _files(source)[:MOST_FILES] if file.suffix == ".txt"]
    if beginnings and not any("\n\n" in text.strip() or "\n\r\n" in text.strip() for text in beginnings):
        source["lines"] = True
    return source


def size_of(source: Mapping[str, Any]) -> dict[str, int] | None:
    """{documents, tokens, characters} of a source of files; None if that is not known without reading all of it."""
    if source["kind"] != "files":
        return None
    documents, characters, size = 0.0, 0.0, 0.0
    field = source.get("text_field", "text")
    files = _files(source)
    for file in files[:MOST_FILES]:
        if file.suffix == ".parquet":
            return None
        text = _beginning(file)
        texts = list(_documents(file, text, field, lines=bool(source.get("lines"))))
        whole = _bytes_of(file)
        read = len(text.encode())
        factor = max(1.0, whole / read) if read >= READ * 0.9 else 1.0
        documents += factor * len(texts)
        characters += factor * sum(map(len, texts))
        size += factor * sum(len(text.encode()) for text in texts)
    if not documents:
        return None
    further = sum(map(_bytes_of, files)) / sum(map(_bytes_of, files[:MOST_FILES]))
    counts = {"documents": documents, "tokens": tokens_of(round(size)), "characters": characters}
    return {name: max(1, round(count * further)) for name, count in counts.items()}


def _bytes_of(file: Path) -> int:
    """The size of a file, were it not compressed."""
    return file.stat().st_size * (COMPRESSION if file.suffix == ".gz" else 1)


def _files(source: Mapping[str, Any]) -> list[Path]:
    try:
        return FileSource(kind="files", paths=list(source["paths"])).files()
    except GrowmergeError:
        return []


def _beginning(file: Path) -> str:
    """Whole lines from the beginning of a file, of at most `READ` bytes; "" if it cannot be read."""
    try:
        with gzip.open(file) if file.suffix == ".gz" else file.open("rb") as stream:
            data = stream.read(READ)
    except (OSError, EOFError):
        return ""
    cut = data if len(data) < READ else data[: data.rfind(b"\n") + 1] or data
    return cut.decode("utf-8-sig", errors="ignore")


def _documents(file: Path, text: str, field: str, *, lines: bool) -> Iterator[str]:
    if ".jsonl" in file.suffixes:
        for line in text.split("\n"):
            try:
                yield str(json.loads(line)[field])
            except (ValueError, KeyError, TypeError):
                continue  # what cannot be read is told by the job that reads it
    else:
        parts = text.split("\n") if lines else text.replace("\r\n", "\n").split("\n\n")
        yield from filter(None, map(str.strip, parts))
