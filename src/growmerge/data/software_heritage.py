"""Documents from the Software Heritage archive: listed by a dataset, fetched many at a time, kept until all are in."""

from __future__ import annotations

import hashlib
import logging
import re
import shutil
import time
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Literal, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from growmerge.artifacts import replacing
from growmerge.config.corpora import ArchiveSource, HubSource
from growmerge.data.archive import Archive, Loss
from growmerge.data.documents import ROW_GROUP_BYTES, Document
from growmerge.data.files import as_id, read_fields
from growmerge.data.hub import HubFiles
from growmerge.errors import GrowmergeError
from growmerge.study.sharding import Shard

logger = logging.getLogger(__name__)

Outcome = Loss | Literal["fetched", "unknown_encoding"]
_SHA1 = re.compile(r"[0-9a-f]{40}")
_SCHEMA = pa.schema([("outcome", pa.string()), ("text", pa.string())])
_PIECE_ROWS = 10_000
_WINDOW = 4  # requests for each that is made at a time: a slow one holds the others up only after so many
_TOLD_EVERY = 60.0  # seconds


class Listed(NamedTuple):
    """An object that is listed: its SHA-1, in hexadecimal, and the name of its encoding, None for UTF-8."""

    sha1: str
    encoding: str | None


class Text(NamedTuple):
    """What became of an object; the text is None unless it was fetched."""

    outcome: Outcome
    text: str | None


class Fetched:
    """What a shard has fetched: `outcomes` counts what became of its objects; `folder` keeps their text meanwhile.

    A job that is interrupted goes on where its predecessor ended.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.outcomes: Counter[Outcome] = Counter()

    def remove(self) -> None:
        """Remove the folder, once its text is where it belongs."""
        shutil.rmtree(self.folder, ignore_errors=True)


def read_archive(source: ArchiveSource, corpus: str, shard: Shard, fetched: Fetched) -> Iterator[Document]:
    """The documents of a shard, in the order in which they are listed; `fetched` keeps and counts them.

    Every shard reads the list as a whole, and takes the ids that hash into it: a list has few files, each of many ids.

    Raises GrowmergeError for a list that cannot be read or holds what is no SHA-1, if the archive does not answer, and
    as soon as more objects cannot be had than `source.missing` allows.
    """
    wanted = [listed for listed in _listed(source) if shard.holds(listed.sha1)]
    prefix = source.ids.id_prefix or ""
    lost: Counter[Outcome] = Counter()
    told = time.monotonic()
    for number, (listed, found) in enumerate(zip(wanted, _texts(source, wanted, fetched.folder), strict=True), start=1):
        fetched.outcomes[found.outcome] += 1
        if found.text is not None:
            yield Document(f"{prefix}{listed.sha1}", found.text)
        else:
            lost[found.outcome] += 1
            if lost.total() > source.missing * len(wanted):
                raise _too_many_lost(source, corpus, shard, lost, number, len(wanted))
        if time.monotonic() - told > _TOLD_EVERY:
            told = time.monotonic()
            logger.info("%s, shard %s: %s of %s files are fetched", corpus, shard, f"{number:,}", f"{len(wanted):,}")


def _too_many_lost(
    source: ArchiveSource, corpus: str, shard: Shard, lost: Counter[Outcome], number: int, all_: int
) -> GrowmergeError:
    reasons = ", ".join(f"{count:,} {outcome.replace('_', ' ')}" for outcome, count in sorted(lost.items()))
    return GrowmergeError(
        f"corpora.{corpus}, shard {shard}: {reasons} among the first {number:,} of {all_:,} files from {source.url}, "
        f"more than `missing: {source.missing:g}` allows; see that `ids` and `url` are right, or raise `missing`; what "
        "was fetched is kept"
    )


def _listed(source: ArchiveSource) -> Iterator[Listed]:
    """All objects that the source lists."""
    assert source.ids.id_field is not None, "checked with the configuration"
    fields = [source.ids.id_field, *([source.encoding_field] if source.encoding_field else [])]
    rows: Iterable[tuple[str, Iterable[object]]]
    if isinstance(source.ids, HubSource):
        rows = HubFiles(source.ids).read_fields(fields)
    else:
        rows = read_fields(source.ids.files(), fields)
    for place, (value, *encodings) in rows:
        sha1 = as_id(value, place)
        if not _SHA1.fullmatch(sha1):
            raise GrowmergeError(
                f"{place}: {sha1!r} is no SHA-1 of 40 hexadecimal digits; set `ids.id_field` to the field of such ids"
            )
        yield Listed(sha1, str(encodings[0]) if encodings and encodings[0] else None)


def _texts(source: ArchiveSource, wanted: list[Listed], folder: Path) -> Iterator[Text]:
    """What became of each, in order. What an interrupted job could not have is requested again."""
    pieces = _Pieces(folder, wanted)
    stored = pieces.read()
    archive = Archive(source.url, source.at_once)
    pool = ThreadPoolExecutor(source.at_once)
    window: deque[tuple[bool, Text | Future[Text]]] = deque()  # whether it is new to the pieces, and what it is

    def take() -> Text:
        new, entry = window.popleft()
        text = entry.result() if isinstance(entry, Future) else entry
        if new:
            pieces.add(text)
        return text

    try:
        for listed in wanted:
            known = next(stored, None)
            found = known if known and known.text is not None else pool.submit(_fetch, archive, listed)
            window.append((known is None, found))
            if len(window) >= _WINDOW * source.at_once:
                yield take()
        while window:
            yield take()
        pieces.write()
    finally:
        archive.stop()
        pool.shutdown(cancel_futures=True)
        archive.close()


def _fetch(archive: Archive, listed: Listed) -> Text:
    content = archive.fetch(listed.sha1)
    if isinstance(content, str):
        return Text(content, None)
    text = decoded(content, listed.encoding or "utf-8")
    return Text("unknown_encoding", None) if text is None else Text("fetched", text)


def decoded(content: bytes, encoding: str) -> str | None:
    """The text, without bytes that are none; None if there is no such encoding, or it gives what Unicode has not."""
    try:
        text = content.decode(encoding, errors="ignore")
        text.encode()
    except (LookupError, UnicodeError):
        return None
    return text


class _Pieces:
    """Texts in the order of a list, in Parquet files that are named by the place of their first one in the list."""

    def __init__(self, folder: Path, wanted: list[Listed]) -> None:
        digest = hashlib.sha256()
        for sha1, encoding in wanted:
            digest.update(f"{sha1} {encoding}\n".encode())
        self._folder = folder / digest.hexdigest()[:16]
        self._next = 0  # the place of the first text that is not in a file yet
        self._rows: list[Text] = []
        self._bytes = 0

    def read(self) -> Iterator[Text]:
        """All that there are, up to the first file that is not there or cannot be read; then more can be added."""
        while True:
            try:
                rows = pq.read_table(self._path()).to_pylist()
            except (OSError, pa.ArrowInvalid):
                return
            self._next += len(rows)
            for row in rows:
                yield Text(row["outcome"], row["text"])

    def add(self, text: Text) -> None:
        """Append one."""
        self._rows.append(text)
        self._bytes += len(text.text or "")
        if self._bytes >= ROW_GROUP_BYTES or len(self._rows) >= _PIECE_ROWS:
            self.write()

    def write(self) -> None:
        """Write those that are not in a file yet."""
        if not self._rows:
            return
        table = pa.Table.from_pylist([row._asdict() for row in self._rows], _SCHEMA)
        with replacing(self._path()) as temporary:
            pq.write_table(table, temporary, compression="zstd", use_dictionary=False)
        self._next += len(self._rows)
        self._rows, self._bytes = [], 0

    def _path(self) -> Path:
        return self._folder / f"{self._next:010d}.parquet"
