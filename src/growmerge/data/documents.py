"""Documents: a text with an id, and the file they are kept in."""

import functools
import hashlib
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from growmerge.errors import GrowmergeError

SCHEMA = pa.schema([("id", pa.string()), ("text", pa.string())])
ROW_GROUP_BYTES = 8 << 20  # of text: what a writer and a reader hold in memory
BATCH = 256  # documents decoded at a time


@dataclass(frozen=True)
class Document:
    """A text and its id; texts of several languages made from the same English string share the id."""

    id: str
    text: str


class _Folding(dict[int, int | str | None]):
    """What becomes of a character, by code point, for str.translate; filled as characters occur."""

    def __missing__(self, code: int) -> int | str | None:
        character = chr(code)
        kept = unicodedata.category(character)[0] in "LMN"
        self[code] = code if kept else " " if character.isspace() else None
        return self[code]


_FOLDING = _Folding()
_LONG = 500  # characters, from which NumPy's lookup is faster than str.translate, which is fast in ASCII only
_DROPPED, _UNKNOWN = 0, 0xFFFFFFFF


def fold(text: str) -> str:
    """The text without case, punctuation, accelerators and surplus space: what near-identical texts have in common."""
    text = text.casefold()
    kept = text.translate(_FOLDING) if text.isascii() or len(text) < _LONG else _translated(text)
    return " ".join(kept.split())


def _translated(text: str) -> str:
    """`text.translate(_FOLDING)`, by a lookup in a table of all code points."""
    table = _folding_table()
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")
    kept = table[codes]
    if (unknown := kept == _UNKNOWN).any():
        for code in np.unique(codes[unknown]).tolist():
            folded = chr(code).translate(_FOLDING)
            table[code] = ord(folded) if folded else _DROPPED
        kept = table[codes]
    return kept[kept != _DROPPED].tobytes().decode("utf-32-le")


@functools.cache
def _folding_table() -> np.ndarray:
    """What becomes of each code point, uint32 [code points]; filled as characters occur."""
    return np.full(0x110000, _UNKNOWN, dtype="<u4")


def source_id(english: str) -> str:
    """Id (16 hex digits) of everything translated from this English string, whichever package carries it."""
    return hashlib.sha256(fold(english).encode()).hexdigest()[:16]


class DocumentWriter:
    """Writes a Parquet file (columns ``id``, ``text``) in the order given, a row group at a time."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = pq.ParquetWriter(path, SCHEMA, compression="zstd", use_dictionary=False)
        self._rows: list[Document] = []
        self._bytes = 0

    def write(self, document: Document) -> None:
        """Append a document."""
        self._rows.append(document)
        self._bytes += len(document.text.encode())
        if self._bytes >= ROW_GROUP_BYTES:
            self._flush()

    def _flush(self) -> None:
        columns = {"id": [d.id for d in self._rows], "text": [d.text for d in self._rows]}
        self._file.write_table(pa.table(columns, schema=SCHEMA))
        self._rows, self._bytes = [], 0

    def __enter__(self) -> "DocumentWriter":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None and self._rows:
            self._flush()
        self._file.close()


def write_documents(documents: Iterable[Document], path: Path) -> None:
    """Write documents to a Parquet file in the order given. Holds one row group in memory."""
    with DocumentWriter(path) as writer:
        for document in documents:
            writer.write(document)


def iterate_documents(path: Path) -> Iterator[Document]:
    """Read what was written, one document after another. Holds one row group in memory.

    Raises GrowmergeError where the file is missing, damaged, or lacks a column.
    """
    try:
        with pq.ParquetFile(path) as file:
            found = file.schema_arrow.names
            missing = [name for name in SCHEMA.names if name not in found]
            if missing:
                raise GrowmergeError(f"{path}: no column {missing[0]!r}; it has {', '.join(found)}")
            for batch in file.iter_batches(batch_size=BATCH, columns=SCHEMA.names):
                ids, texts = (batch.column(name).to_pylist() for name in SCHEMA.names)
                yield from map(Document, ids, texts)
    except (OSError, pa.ArrowInvalid) as error:
        raise GrowmergeError(f"{path}: cannot be read as Parquet ({error}); remove it and run again") from error


def read_documents(path: Path) -> list[Document]:
    """The documents of :func:`iterate_documents`, all at once."""
    return list(iterate_documents(path))
