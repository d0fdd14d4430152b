"""Documents, or ids of documents, from the user's own files: JSON lines, Parquet and plain text."""

import gzip
import json
import logging
import zlib
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import IO, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

from growmerge.config.corpora import MOST_CHARACTERS
from growmerge.data.documents import BATCH, Document
from growmerge.errors import GrowmergeError

logger = logging.getLogger(__name__)
T = TypeVar("T")
SUFFIXES = (".jsonl", ".jsonl.gz", ".parquet", ".txt")
_UTF_8 = "utf-8-sig"  # with a byte order mark or without


def read_files(
    paths: Sequence[Path], text_field: str, id_field: str | None, id_prefix: str | None = None, lines: bool = False
) -> Iterator[Document]:
    """Documents of .jsonl, .jsonl.gz and .parquet files, one a record, and of .txt files, one a paragraph or line.

    ``text_field`` and ``id_field`` name the record's fields, and no others are read; numbers are taken as ids too, and
    a null text as an empty one. Without an id field, and in .txt files, the id is ``file name:number`` with the number
    of the line, row or paragraph, from 1. ``id_prefix`` is put before every id. In .txt files a paragraph ends at a
    blank line; with ``lines`` every line that is not blank is a document. Nothing is held in memory but a line, a
    paragraph, or a row group of Parquet. A file without documents is passed over with a warning if others have some.

    Raises GrowmergeError naming the file and the place: unknown suffix, no such file, no documents in any of them, not
    UTF-8, a line that is not a JSON object, a field that is missing (with those that exist) or is not a string, a
    document or line of more than `MOST_CHARACTERS`.
    """
    empty = []
    for path in paths:
        if path.suffix == ".txt":
            documents = _lines(path) if lines else _paragraphs(path)
        else:
            documents = _documents(path, text_field, id_field)
        count = 0
        for document in _explained(path, documents):
            count += 1
            yield Document(id_prefix + document.id, document.text) if id_prefix else document
        if not count:
            empty.append(path)
            logger.warning("%s: has no documents", path)
    if empty and len(empty) == len(paths):
        raise GrowmergeError(f"{empty[0]}: has no documents; remove it from the sources or fill it")


def read_id_files(paths: Sequence[Path], id_field: str) -> Iterator[str]:
    """The ids in the field ``id_field`` of .jsonl, .jsonl.gz and .parquet files.

    Raises GrowmergeError as :func:`read_files` does, but not for a file without ids.
    """
    for place, (identifier,) in read_fields(paths, [id_field]):
        yield as_id(identifier, place)


def read_fields(paths: Sequence[Path], fields: Sequence[str]) -> Iterator[tuple[str, list[object]]]:
    """(place for messages, values of these fields) of every record of .jsonl, .jsonl.gz and .parquet files.

    Raises GrowmergeError as :func:`read_id_files` does.
    """
    for path in paths:
        for place, _, values in _explained(path, _records(path, fields)):
            yield place, values


def as_text(value: object, field: str, place: str) -> str:
    """The value of a text field, "" for null.

    Raises GrowmergeError naming the place if it is of another type, or has more than `MOST_CHARACTERS`.
    """
    if value is None:
        return ""
    if not isinstance(value, str):
        raise GrowmergeError(f"{place}: field {field!r} must be a string, found {type(value).__name__}")
    _check_length(len(value), place)
    return value


def _check_length(characters: int, place: str) -> None:
    if characters > MOST_CHARACTERS:
        raise GrowmergeError(
            f"{place}: has more than {MOST_CHARACTERS:,} characters, the most that a document may have; cut it into "
            "several, or leave it out"
        )


def as_id(value: object, place: str) -> str:
    """The value of an id field. Raises GrowmergeError naming the place if it is no string or whole number."""
    if not isinstance(value, str | int):
        raise GrowmergeError(f"{place}: the id must be a string or a whole number, found {type(value).__name__}")
    return str(value)


def _explained(path: Path, items: Iterator[T]) -> Iterator[T]:
    try:
        yield from items
    except FileNotFoundError as error:
        raise GrowmergeError(f"{path}: no such file") from error
    except UnicodeDecodeError as error:
        raise GrowmergeError(f"{path}: not UTF-8 ({error}); convert it first") from error
    except (OSError, EOFError, zlib.error, pa.ArrowInvalid) as error:
        raise GrowmergeError(f"{path}: cannot be read ({error})") from error


def _documents(path: Path, text_field: str, id_field: str | None) -> Iterator[Document]:
    for place, number, (text, *ids) in _records(path, [text_field, *([id_field] if id_field else [])]):
        yield Document(as_id(ids[0], place) if ids else f"{path.name}:{number}", as_text(text, text_field, place))


def _paragraphs(path: Path) -> Iterator[Document]:
    number, lines, length = 0, [], 0
    with path.open(encoding=_UTF_8) as file:
        for line in chain(_bounded(file, path), [""]):
            if line.strip():
                lines.append(line)
                length += len(line)
                _check_length(length, f"{path}: paragraph {number + 1}")
            elif lines:
                number += 1
                yield Document(f"{path.name}:{number}", "".join(lines).strip())
                lines, length = [], 0


def _lines(path: Path) -> Iterator[Document]:
    with path.open(encoding=_UTF_8) as file:
        for number, line in enumerate(_bounded(file, path), start=1):
            if text := line.strip():
                yield Document(f"{path.name}:{number}", text)


def _bounded(file: IO[str], path: Path) -> Iterator[str]:
    """The lines of a file. Raises GrowmergeError at one that is too long, before it is read to its end."""
    number = 0
    while line := file.readline(MOST_CHARACTERS + 1):
        number += 1
        _check_length(len(line), f"{path}: line {number}")
        yield line


def _records(path: Path, fields: Sequence[str]) -> Iterator[tuple[str, int, list[object]]]:
    """(place for messages, number from 1, values of the fields) of every record."""
    if path.name.endswith((".jsonl", ".jsonl.gz")):
        return _read_jsonl(path, fields)
    if path.suffix == ".parquet":
        return _read_parquet(path, fields)
    raise GrowmergeError(f"{path}: unknown kind of file; the ending must be one of {', '.join(SUFFIXES)}")


def _read_jsonl(path: Path, fields: Sequence[str]) -> Iterator[tuple[str, int, list[object]]]:
    open_ = gzip.open if path.suffix == ".gz" else open
    with open_(path, "rt", encoding=_UTF_8) as file:
        for number, line in enumerate(_bounded(file, path), start=1):
            if not line.strip():
                continue
            place = f"{path}: line {number}"
            try:
                record = json.loads(line.rstrip("\n"))
            except json.JSONDecodeError as error:
                raise GrowmergeError(f"{place}, column {error.colno}: not JSON ({error.msg})") from error
            if not isinstance(record, dict):
                raise GrowmergeError(f"{place}: a JSON object is needed, found {type(record).__name__}")
            _check_fields(fields, list(record), place)
            values = [record[field] for field in fields]
            if "\\ud" in line.lower() and not all(map(_is_unicode, values)):
                raise GrowmergeError(f"{place}: holds half of a surrogate pair (\\ud8xx), which is no character")
            yield place, number, values


def _is_unicode(value: object) -> bool:
    try:
        str(value).encode()
    except UnicodeEncodeError:
        return False
    return True


def _read_parquet(path: Path, fields: Sequence[str]) -> Iterator[tuple[str, int, list[object]]]:
    with pq.ParquetFile(path) as file:
        if not file.metadata.num_rows:  # pandas writes an empty table without columns
            return
        _check_fields(fields, file.schema_arrow.names, str(path))
        number = 0
        for batch in file.iter_batches(batch_size=BATCH, columns=list(fields)):
            for values in zip(*(batch.column(field).to_pylist() for field in fields), strict=True):
                number += 1
                yield f"{path}: row {number}", number, list(values)


def _check_fields(wanted: Sequence[str], fields: Sequence[str], place: str) -> None:
    for field in wanted:
        if field not in fields:
            raise GrowmergeError(f"{place}: no field {field!r}; there are {', '.join(map(repr, fields)) or 'none'}")
