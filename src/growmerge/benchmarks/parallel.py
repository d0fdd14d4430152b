"""Parallel sentences, joined by their ids: what information parity and translation have in common."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from growmerge.benchmarks.records import Drop, Record
from growmerge.catalogue.codes import TWO_LETTERS
from growmerge.data.words import count_words
from growmerge.errors import GrowmergeError


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


def check_length(max_words: int | None, *texts: str) -> None:
    """Raises Drop if a text has more words."""
    if max_words and max(count_words(text, numbers=True) for text in texts) > max_words:
        raise Drop("longer than max_words")


def other_side(record: Record, sentences: Mapping[str, str]) -> str:
    """The sentence of the same id. Raises Drop if there is none."""
    identifier = record.optional("id")
    if not identifier:
        raise Drop("no id")
    other = sentences.get(identifier)
    if not other:
        raise Drop("not on the other side")
    return other


def prompt(original: str, languages: tuple[str, str]) -> str:
    """lighteval's "EN: Hello. SV:"; `languages` are the codes of the two sides (ISO 639-3)."""
    left, right = (TWO_LETTERS.get(code, code).upper() for code in languages)
    return f"{left}: {original} {right}:"


def source_of(asked: str) -> str:
    """The sentence that a `prompt` asks to translate; all of a prompt of another form."""
    found = re.fullmatch(r"\w+: (.*) \w+:", asked, re.DOTALL)
    return found[1] if found else asked
