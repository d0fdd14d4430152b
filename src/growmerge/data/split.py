"""Which documents are trained on, which are held out, and which part and shard they belong to. All by their ids."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from growmerge.data.documents import Document, fold, read_documents
from growmerge.data.heldout import is_heldout, unit_hash

DOCUMENTS = "documents.parquet"


def heldout_documents(documents: Sequence[Document], share: float) -> list[Document]:
    """The documents that are kept for evaluation."""
    return [document for document in documents if is_heldout(document.id, share)]


def evaluation_documents(documents: Sequence[Document], heldout: float, placeholder: str | None) -> list[Document]:
    """The held-out documents that read as written: those with a filled-in placeholder are left out."""
    kept = heldout_documents(documents, heldout)
    return [document for document in kept if not placeholder or placeholder not in document.text]


class Decontamination:
    """Finds documents that hold an evaluation text, whatever its case and punctuation.

    Texts are looked up by their first words, so the cost does not grow with their number. A text of fewer words than
    `KEY` counts only where a document is nothing else: single words are in every text.
    """

    KEY = 4

    def __init__(self, evaluation: Iterable[Document]) -> None:
        """Index the texts that must not be trained on."""
        self._by_start: dict[tuple[str, ...], list[list[str]]] = {}
        self._short: set[tuple[str, ...]] = set()
        for document in evaluation:
            words = fold(document.text).split()
            if len(words) < self.KEY:
                self._short.add(tuple(words))
            else:
                self._by_start.setdefault(tuple(words[: self.KEY]), []).append(words)

    def holds_evaluation_text(self, document: Document) -> bool:
        """Whether some evaluation text stands in the document."""
        words = fold(document.text).split()
        if tuple(words) in self._short:
            return True
        return any(
            words[start : start + len(text)] == text
            for start in range(len(words) - self.KEY + 1)
            for text in self._by_start.get(tuple(words[start : start + self.KEY]), ())
        )


def training_documents(
    documents: Sequence[Document], heldout: float, evaluation: Iterable[Document] = ()
) -> list[Document]:
    """The documents to train on: not held out, and without any held-out text or text of `evaluation` in them."""
    decontamination = Decontamination([*heldout_documents(documents, heldout), *evaluation])
    return [
        document
        for document in documents
        if not is_heldout(document.id, heldout) and not decontamination.holds_evaluation_text(document)
    ]


def read_training_documents(corpus: Path, evaluation: Mapping[Path, float], heldout: float) -> list[Document]:
    """The training documents in the folder `corpus`; `evaluation` maps documents folders to their held-out shares."""
    kept_back = [
        document
        for folder, share in evaluation.items()
        for document in heldout_documents(read_documents(folder / DOCUMENTS), share)
    ]
    return training_documents(read_documents(corpus / DOCUMENTS), heldout, kept_back)


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
