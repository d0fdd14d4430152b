"""Which documents are trained on, which are held out, and which part and shard they belong to. All by their ids."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from growmerge.data.documents import Document
from growmerge.data.heldout import is_heldout, unit_hash

SENTENCE_END = re.compile(r"(?<=[.!?؟])\s+|\n+")


def heldout_documents(documents: Sequence[Document], share: float) -> list[Document]:
    """The documents that are kept for evaluation."""
    return [document for document in documents if is_heldout(document.id, share)]


def evaluation_documents(documents: Sequence[Document], heldout: float, placeholder: str | None) -> list[Document]:
    """The held-out documents that read as written: those with a filled-in placeholder are left out."""
    kept = heldout_documents(documents, heldout)
    return [document for document in kept if not placeholder or placeholder not in document.text]


def training_documents(documents: Sequence[Document], share: float) -> list[Document]:
    """The documents to train on: not held out, and without a sentence (or the whole text) of one that is."""
    kept_back = {document.text for document in heldout_documents(documents, share)}
    kept_back |= {sentence for text in kept_back for sentence in _sentences(text) if len(sentence.split()) > 3}
    return [
        document
        for document in documents
        if not is_heldout(document.id, share)
        and document.text not in kept_back
        and kept_back.isdisjoint(_sentences(document.text))
    ]


def _sentences(text: str) -> list[str]:
    return SENTENCE_END.split(text)


def in_part(documents: Iterable[Document], name: str, parts: Sequence[Mapping[str, Any]]) -> list[Document]:
    """The documents of the part `name` of a corpus with `parts` ({name, share}); all of them if it has no parts.

    A document falls into the part in whose range a hash of its id lies: parts stay the same when documents are added.
    """
    if not parts:
        return list(documents)
    low = 0.0
    for part in parts:
        high = 1.0 if part is parts[-1] else low + part["share"]
        if part["name"] == name:
            return [document for document in documents if low <= unit_hash(document.id, "part") < high]
        low = high
    raise KeyError(name)


def in_shard(documents: Sequence[Document], shard: str) -> Sequence[Document]:
    """The documents of shard "2-of-8": a contiguous run, so that neighbours stay neighbours."""
    number, count = map(int, shard.split("-of-"))
    return documents[(number - 1) * len(documents) // count : number * len(documents) // count]


def first_bytes(documents: Iterable[Document], limit: int) -> Iterator[str]:
    """Texts in order until `limit` bytes of UTF-8 are reached."""
    total = 0
    for document in documents:
        total += len(document.text.encode())
        if total > limit:
            return
        yield document.text
