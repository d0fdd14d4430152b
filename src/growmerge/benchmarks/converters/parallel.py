"""Parallel sentences: information parity, and translation by generation. FLORES-200 and FLORES+.

The columns: `id` and `text` (FLORES+), or `id` and `sentence` of facebook/flores (`fields: {text: sentence}`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from growmerge.benchmarks.items import Item
from growmerge.benchmarks.records import Drop, Record
from growmerge.catalogue.codes import TWO_LETTERS
from growmerge.errors import GrowmergeError

TRANSLATION = "translation"  # the subset of items


def sentences(records: Iterable[Record]) -> dict[str, str]:
    """{id: sentence}, of those that have an id. Raises GrowmergeError where one is there twice."""
    found: dict[str, str] = {}
    for record in records:
        identifier = record.optional("id")
        if not identifier:
            continue
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
        _check_length(max_words, text, reference)
        return Item(f"sentence:{record.optional('id')}", "parity", (text,), reference)

    return join


def translation(
    source: Iterable[Record], languages: tuple[str, str], max_words: int | None = None
) -> Callable[[Record], Item]:
    """A converter of records to prompts with the translation as their reference; `languages` as for `prompt`."""
    originals = sentences(source)

    def ask(record: Record) -> Item:
        text, original = record.text("text"), _other(record, originals)
        if "\n" in text or "\n" in original:
            raise Drop("more than one line")
        _check_length(max_words, text, original)
        return Item(f"sentence:{record.optional('id')}", TRANSLATION, (), text, context=prompt(original, languages))

    return ask


def prompt(original: str, languages: tuple[str, str]) -> str:
    """lighteval's "EN: Hello. SV:"; `languages` are the codes of the two sides (ISO 639-3)."""
    left, right = (TWO_LETTERS.get(code, code).upper() for code in languages)
    return f"{left}: {original} {right}:"


def source_of(asked: str) -> str:
    """The sentence that a `prompt` asks to translate; all of a prompt of another form."""
    found = re.fullmatch(r"\w+: (.*) \w+:", asked, re.DOTALL)
    return found[1] if found else asked


def _check_length(max_words: int | None, *texts: str) -> None:
    if max_words and max(len(text.split()) for text in texts) > max_words:
        raise Drop("longer than max_words")


def _other(record: Record, sentences: dict[str, str]) -> str:
    identifier = record.optional("id")
    if not identifier:
        raise Drop("no id")
    other = sentences.get(identifier)
    if not other:
        raise Drop("not on the other side")
    return other
