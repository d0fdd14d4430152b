"""Parallel sentences: information parity, and translation by generation. FLORES-200 and FLORES+.

The columns: `id` and `text` (FLORES+), or `id` and `sentence` of facebook/flores (`fields: {text: sentence}`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from growmerge.errors import GrowmergeError
from growmerge.evaluation.benchmarks.records import Drop, Record
from growmerge.evaluation.items import Item


def sentences(records: Iterable[Record]) -> dict[str, str]:
    """{id: sentence}. Raises GrowmergeError where an id is there twice."""
    found: dict[str, str] = {}
    for record in records:
        identifier = record.optional("id")
        if identifier in found:
            raise GrowmergeError(
                f"{record.id}: the id '{identifier}' is there twice; sentences are joined by their ids"
            )
        found[identifier] = record.optional("text")
    return found


def parity(english: Iterable[Record], max_words: int | None) -> Callable[[Record], Item]:
    """A converter of records to sentences with the English one as their reference."""
    references = sentences(english)

    def join(record: Record) -> Item:
        text, reference = record.text("text"), _other(record, references)
        if max_words and max(len(text.split()), len(reference.split())) > max_words:
            raise Drop("longer than max_words")
        return Item(f"sentence:{record.optional('id')}", "parity", (text,), reference)

    return join


def translation(source: Iterable[Record], languages: tuple[str, str]) -> Callable[[Record], Item]:
    """A converter of records to prompts (lighteval's "EN: ... SV:") with the translation as their reference."""
    originals = sentences(source)
    left, right = languages

    def prompt(record: Record) -> Item:
        text, original = record.text("text"), _other(record, originals)
        context = f"{left.upper()}: {original} {right.upper()}:"
        return Item(f"sentence:{record.optional('id')}", "translation", (), text, context=context)

    return prompt


def _other(record: Record, sentences: dict[str, str]) -> str:
    other = sentences.get(record.optional("id"))
    if not other:
        raise Drop("not on the other side")
    return other
