"""Token shards: Arrow IPC files of uint32, memory-mapped, cut into training sequences."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from tokenizers import Tokenizer

from growmerge.artifacts import read_manifest, verify
from growmerge.data.accounting import Tally
from growmerge.data.documents import Document
from growmerge.data.encoding import fastest
from growmerge.data.tokenizer import special_texts
from growmerge.errors import GrowmergeError

TOKENS = "tokens.arrow"
SCHEMA = pa.schema([("tokens", pa.uint32())])
BATCH_BYTES = 1 << 20  # of text encoded at a time


def by_corpus(folders: Iterable[Path]) -> dict[str, list[Path]]:
    """Token shards by the corpus (or part) that they are of, which names the folder around them."""
    shards: dict[str, list[Path]] = {}
    for folder in folders:
        shards.setdefault(folder.parent.name, []).append(folder)
    return shards


def write_shard(
    documents: Iterable[Document], tokenizer: Tokenizer, begin_id: int, end_id: int, path: Path
) -> dict[str, Any]:
    """Tokenize documents into one contiguous stream, each between `begin_id` and `end_id`.

    `tokenizer` is a plain one, as `load_tokenizer` gives it. If the two are the same token, one of it stands between
    documents. So what a scored text begins with has been trained.

    While a batch is encoded (by as many threads as RAYON_NUM_THREADS says), the one before it is written and the next
    one read, so no more than three batches of `BATCH_BYTES` are in memory.

    Returns the documents, bytes of UTF-8 and characters read, and the tokens written; and under `special_texts` how
    many documents hold the text of a special token, and how often it occurs: there it is text, not that token.
    """
    read = Tally()
    special = _SpecialTexts(special_texts(tokenizer))
    tokens = 0

    encode_batch = fastest(tokenizer)

    def encode(texts: Sequence[str]) -> pa.RecordBatch:
        ids, bounds = encode_batch(texts)
        if begin_id == end_id:
            stream = np.insert(ids, bounds[1:], end_id)
        else:  # where one document ends, the next begins: insert keeps the order of what comes to one place
            stream = np.insert(ids, np.repeat(bounds, 2)[1:-1], [begin_id, end_id] * len(texts))
        return pa.record_batch([pa.array(stream)], schema=SCHEMA)

    with (
        pa.OSFile(str(path), "wb") as sink,
        pa.ipc.new_file(sink, SCHEMA) as writer,
        ThreadPoolExecutor(max_workers=1) as encoder,
    ):
        encoded: Future[pa.RecordBatch] | None = None
        for texts in _batches(documents, read, special):
            following = encoder.submit(encode, texts)
            if encoded:
                tokens += _write(encoded, writer)
            encoded = following
        if encoded:
            tokens += _write(encoded, writer)
    counted = {"documents": special.documents, "occurrences": special.occurrences}
    return {**asdict(read), "tokens": tokens, "special_texts": counted}


class _SpecialTexts:
    """Counts occurrences of the texts of special tokens, the longest where one begins another."""

    def __init__(self, texts: Sequence[str]) -> None:
        longest_first = sorted(filter(None, texts), key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, longest_first)) or r"(?!)")
        self.documents = 0
        self.occurrences = 0

    def count(self, text: str) -> None:
        found = sum(1 for _ in self._pattern.finditer(text))
        self.documents += found > 0
        self.occurrences += found


def _batches(documents: Iterable[Document], read: Tally, special: _SpecialTexts) -> Iterator[list[str]]:
    batch, full = [], BATCH_BYTES
    for document in documents:
        batch.append(document.text)
        read.add(document.text)
        special.count(document.text)
        if read.bytes >= full:
            yield batch
            batch, full = [], read.bytes + BATCH_BYTES
    if batch:
        yield batch


def _write(encoded: Future[pa.RecordBatch], writer: pa.ipc.RecordBatchFileWriter) -> int:
    batch = encoded.result()
    writer.write_batch(batch)
    return batch.num_rows


def count_documents(shards: Iterable[Path]) -> int:
    """Documents in the shards, from their manifests."""
    return sum(read_manifest(shard).facts["documents"] for shard in shards)


class TokenCorpus:
    """The sequences of a corpus: windows of `length` + 1 tokens over its shards, the last token being the last target.

    Windows of a shard overlap by that one token, so every token is predicted once. What is left at the end of a shard
    (fewer than `length` tokens) is not used.
    """

    def __init__(self, shards: Sequence[Path], length: int) -> None:
        """Verify and memory-map the shards. Raises GrowmergeError naming a damaged or empty one."""
        self.length = length
        self._arrays: list[list[np.ndarray]] = []
        self._starts: list[np.ndarray] = []
        sizes = []
        for shard in shards:
            facts = verify(shard).facts
            if facts["tokens"] <= length:
                raise GrowmergeError(
                    f"{shard}: holds {facts['tokens']} tokens, fewer than one sequence of {length} and its target; "
                    "give the corpus more text, fewer shards, or a shorter training.sequence_length"
                )
            table = pa.ipc.open_file(pa.memory_map(str(Path(shard) / TOKENS))).read_all()
            chunks = [chunk.to_numpy() for chunk in table["tokens"].chunks]
            self._arrays.append(chunks)
            self._starts.append(np.cumsum([0, *(len(c) for c in chunks)]))
            sizes.append((facts["tokens"] - 1) // length)
        self._first = np.cumsum([0, *sizes])

    def __len__(self) -> int:
        """Number of sequences."""
        return int(self._first[-1])

    def sequence(self, index: int) -> np.ndarray:
        """Sequence `index` as int64 [length + 1]: inputs are [:-1], targets [1:]."""
        shard = int(np.searchsorted(self._first, index, side="right")) - 1
        start = (index - int(self._first[shard])) * self.length
        chunks, starts = self._arrays[shard], self._starts[shard]
        first = int(np.searchsorted(starts, start, side="right")) - 1
        pieces, missing, offset = [], self.length + 1, start - int(starts[first])
        while missing:
            piece = chunks[first][offset : offset + missing]
            pieces.append(piece)
            missing -= len(piece)
            first, offset = first + 1, 0
        return np.concatenate(pieces).astype(np.int64)
