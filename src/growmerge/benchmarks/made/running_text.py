"""Held-out documents, whose bits per byte are measured: one half to test on, the other to tune merges on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

from growmerge.benchmarks.conversion import Conversion
from growmerge.benchmarks.items import Item
from growmerge.benchmarks.pieces import piece_id, pieces
from growmerge.data.documents import Document
from growmerge.hashing import in_hash_order, unit_hash

Half = Literal["test", "tuning"]


def items(conversion: Conversion) -> list[Item]:
    """The documents of the test half, in pieces."""
    return text_items(conversion.heldout.documents, "test", conversion.limit, conversion.benchmark.bytes_of_piece)


def text_items(documents: Iterable[Document], half: Half, limit: int, piece_bytes: int) -> list[Item]:
    """At most `limit` documents of a half, each in pieces of at most `piece_bytes` bytes of UTF-8.

    They are those with the smallest hashes of their ids. Items have one candidate, the piece, and the id
    `pieces.piece_id` gives.
    """
    chosen = in_hash_order(of_half(documents, half), lambda document: document.id, "running text")[:limit]
    return [
        Item(piece_id(document.id, number), half, (piece,))
        for document in chosen
        for number, piece in enumerate(pieces(document.text, piece_bytes))
    ]


def of_half(documents: Iterable[Document], half: Half) -> Sequence[Document]:
    """The documents of a half: the hash of the id decides, so that parallel documents are in the same half."""
    return [d for d in documents if (unit_hash(d.id, "tuning") < 0.5) == (half == "tuning")]
