"""Which documents are trained on: those of the part, without any text that is kept for evaluation."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from growmerge.artifacts import read_manifest, sha256_file
from growmerge.data.accounting import Tally
from growmerge.data.corpus import HELDOUT
from growmerge.data.documents import Document, iterate_documents
from growmerge.data.words import count_words, normalized, separated, spread, words_and_windows
from growmerge.errors import GrowmergeError


def read_heldout(shards: Iterable[Path]) -> Iterator[Document]:
    """The documents kept for evaluation in shards of a corpus, checked against their manifests.

    Only that one file is checked: the text beside it may be a hundred times as large, and every job reads all shards'.

    Raises GrowmergeError for a file that is damaged or has no manifest, and FileNotFoundError if it is not there.
    """
    for shard in shards:
        path = shard / HELDOUT
        if sha256_file(path) != read_manifest(shard).files[HELDOUT]["sha256"]:
            raise GrowmergeError(f"{path}: is damaged, its bytes differ from its manifest's; remove {shard} and rerun")
        yield from iterate_documents(path)


def evaluation_documents(heldout: Iterable[Document], placeholder: str | None) -> list[Document]:
    """The held-out documents that read as written: those with a filled-in placeholder are left out."""
    return [document for document in heldout if not placeholder or placeholder not in document.text]


class Decontamination:
    """Finds documents that hold an evaluation text, whatever its case, punctuation and encoding in Unicode.

    Texts are looked up by their longest word, of which few are in a document that does not hold the text; in scripts
    without spaces, by `KEY` characters in a row. A text of fewer words than `KEY` (:func:`count_words`) counts only
    where a document is nothing else: single words are in every text.
    """

    KEY = 4

    def __init__(self, evaluation: Iterable[Document]) -> None:
        """Index the texts that must not be trained on."""
        self._by_longest: dict[str, list[str]] = {}
        self._short: set[str] = set()
        self._short_joined: set[str] = set()
        for document in evaluation:
            text = separated(document.text)
            if count_words(text, numbers=True) < self.KEY:
                self._short.add(text)
                self._short_joined.add(text.replace(" ", ""))
            else:
                longest = max(words_and_windows(text, self.KEY), key=len)
                self._by_longest.setdefault(longest, []).append(f" {text} ")

    def holds_evaluation_text(self, document: Document) -> bool:
        """Whether some evaluation text stands in the document."""
        text = normalized(document.text)
        # Few documents get beyond these two: to spread the characters of a text takes longest.
        suspicious = self._by_longest.keys() & words_and_windows(text, self.KEY)
        if not suspicious and text.replace(" ", "") not in self._short_joined:
            return False
        text = spread(text)
        padded = f" {text} "
        return text in self._short or any(wanted in padded for word in suspicious for wanted in self._by_longest[word])


class TrainingText:
    """Takes from documents what is trained on, and counts what is not."""

    def __init__(
        self, evaluation: Iterable[Document], belongs: Callable[[str], bool] = lambda identifier: True
    ) -> None:
        """`evaluation`: texts that must not be trained on; `belongs`: whether a document's id is of the part."""
        self._decontamination = Decontamination(evaluation)
        self._belongs = belongs
        self.dropped = {"other_part": Tally(), "contaminated": Tally()}

    def of(self, documents: Iterable[Document], name: str = "corpus") -> Iterator[Document]:
        """The training documents, in order, one after another.

        Raises GrowmergeError at the end if there are none, with why each document fell; `name` is what they are of.
        """
        before = {reason: tally.documents for reason, tally in self.dropped.items()}
        left = False
        for document in self._kept(documents):
            left = True
            yield document
        if not left:
            other, contaminated = (tally.documents - before[reason] for reason, tally in self.dropped.items())
            raise GrowmergeError(
                f"{name}: no document is left to train on; of {other + contaminated:,} documents, {other:,} belong to "
                f"another part of the corpus and {contaminated:,} hold text that is held out for evaluation; give it "
                "more text, fewer shards, or a larger share"
            )

    def _kept(self, documents: Iterable[Document]) -> Iterator[Document]:
        for document in documents:
            if not self._belongs(document.id):
                self.dropped["other_part"].add(document.text)
            elif self._decontamination.holds_evaluation_text(document):
                self.dropped["contaminated"].add(document.text)
            else:
                yield document


def first_bytes(documents: Iterable[Document], limit: int) -> Iterator[str]:
    """Texts in order until `limit` bytes of UTF-8 are reached; of a first one that is longer, the beginning."""
    total = 0
    for document in documents:
        data = document.text.encode()
        if not total and len(data) > limit:
            yield data[:limit].decode(errors="ignore")  # without the character that the limit cuts in two
            return
        total += len(data)
        if total > limit:
            return
        yield document.text
