"""Documents from the user's own files: JSON lines, Parquet and plain text."""

import gzip
import json
import re
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from growmerge.data.documents import Document
from growmerge.errors import GrowmergeError

SUFFIXES = (".jsonl", ".jsonl.gz", ".parquet", ".txt")


def read_files(paths: Sequence[Path], text_field: str, id_field: str | None) -> Iterator[Document]:
    """Documents of .jsonl, .jsonl.gz, .parquet (one a record) and .txt files (one a paragraph, blank lines between).

    ``text_field`` and ``id_field`` name the record's fields; numbers are taken as ids too. Without an id field, and in
    .txt files, the id is ``file name:number`` with the number of the line, row or paragraph, from 1.

    Raises GrowmergeError naming the file and the place: unknown suffix, no such file, nothing in it, not UTF-8, a line
    that is not a JSON object, a field that is missing (with those that exist) or is not a string; and where ids made
    from the file name would collide because two files of different folders share it.
    """
    repeated = [name for name, count in Counter(path.name for path in paths).items() if count > 1]
    if repeated and (id_field is None or repeated[0].endswith(".txt")):
        raise GrowmergeError(f"{repeated[0]}: two files have this name, so their ids would collide; rename one of them")
    for path in paths:
        name = path.name
        try:
            if name.endswith((".jsonl", ".jsonl.gz")):
                documents = _read_jsonl(path, text_field, id_field)
            elif name.endswith(".parquet"):
                documents = _read_parquet(path, text_field, id_field)
            elif name.endswith(".txt"):
                documents = _read_text(path)
            else:
                raise GrowmergeError(f"{path}: unknown kind of file; the ending must be one of {', '.join(SUFFIXES)}")
            empty = True
            for document in documents:
                empty = False
                yield document
        except FileNotFoundError as error:
            raise GrowmergeError(f"{path}: no such file") from error
        except UnicodeDecodeError as error:
            raise GrowmergeError(f"{path}: not UTF-8 ({error}); convert it first") from error
        except (OSError, EOFError, zlib.error, pa.ArrowInvalid) as error:
            raise GrowmergeError(f"{path}: cannot be read ({error})") from error
        if empty:
            raise GrowmergeError(f"{path}: has no documents; remove it from the sources or fill it")


def _read_jsonl(path: Path, text_field: str, id_field: str | None) -> Iterator[Document]:
    open_ = gzip.open if path.suffix == ".gz" else open
    with open_(path, "rt", encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            place = f"{path}: line {number}"
            try:
                record = json.loads(line.rstrip("\n"))
            except json.JSONDecodeError as error:
                raise GrowmergeError(f"{place}, column {error.colno}: not JSON ({error.msg})") from error
            if not isinstance(record, dict):
                raise GrowmergeError(f"{place}: a JSON object is needed, found {type(record).__name__}")
            for field in filter(None, (text_field, id_field)):
                _check_field(field, list(record), place)
            text = record[text_field]
            yield _document(text, record[id_field] if id_field else f"{path.name}:{number}", text_field, place)


def _read_parquet(path: Path, text_field: str, id_field: str | None) -> Iterator[Document]:
    with pq.ParquetFile(path) as file:
        wanted = [text_field, *([id_field] if id_field else [])]
        for field in wanted:
            _check_field(field, file.schema_arrow.names, str(path))
        number = 0
        for batch in file.iter_batches(columns=wanted):
            ids = batch.column(id_field).to_pylist() if id_field else [None] * len(batch)
            for id_, text in zip(ids, batch.column(text_field).to_pylist(), strict=True):
                number += 1
                yield _document(text, id_ if id_field else f"{path.name}:{number}", text_field, f"{path}: row {number}")


def _read_text(path: Path) -> Iterator[Document]:
    paragraphs = (part.strip() for part in re.split(r"\n\s*\n", path.read_text(encoding="utf-8")))
    for number, text in enumerate(filter(None, paragraphs), start=1):
        yield Document(f"{path.name}:{number}", text)


def _check_field(field: str, fields: Sequence[str], place: str) -> None:
    if field not in fields:
        raise GrowmergeError(f"{place}: no field {field!r}; there are {', '.join(map(repr, fields)) or 'none'}")


def _document(text: object, id_: object, text_field: str, place: str) -> Document:
    if not isinstance(text, str):
        raise GrowmergeError(f"{place}: field {text_field!r} must be a string, found {type(text).__name__}")
    if not isinstance(id_, str | int):
        raise GrowmergeError(f"{place}: the id must be a string or a whole number, found {type(id_).__name__}")
    return Document(str(id_), text)
