"""Icelandic morphology as minimal pairs, from the Database of Icelandic Morphology (BÍN, CC BY-SA 4.0; ``islenska``).

A word of a held-out sentence is replaced by another form of the same lemma that differs in one grammatical feature.
Only features that the rest of the sentence decides are changed, so that the result is wrong and not merely different:
case of nouns, case and gender of adjectives and pronouns (agreement), person and number of finite verbs (agreement with
a subject that Icelandic does not leave out). Number, tense and definiteness of a noun are often free, so they stay.
"""

import re
from collections.abc import Iterator, Sequence

from islenska import Bin

from growmerge.data.documents import Document
from growmerge.evaluation.builders.choose import in_hash_order
from growmerge.evaluation.items import Item

_NOUNS = ("kk", "kvk", "hk")
# Word classes of BÍN (nouns by gender, adjectives, verbs, pronouns) -> the features that may be changed.
_CHANGEABLE = {
    **{noun: {"case"} for noun in _NOUNS},
    "lo": {"case", "gender"},
    "fn": {"case", "gender"},
    "so": {"person", "number"},
}
_NAMES = {
    **dict.fromkeys(("NF", "ÞF", "ÞGF", "EF"), "case"),
    **dict.fromkeys(("ET", "FT"), "number"),
    **dict.fromkeys(("KK", "KVK", "HK"), "gender"),
    **dict.fromkeys(("1P", "2P", "3P"), "person"),
}
_WORD = re.compile(r"[^\W\d_]+")
_CASE_NUMBER = re.compile(r"(NF|ÞF|ÞGF|EF)(ET|FT)(gr)?")
_WORDS_OF_SENTENCE = range(4, 26)


def icelandic_pairs(documents: Sequence[Document], limit: int, seed: int) -> list[Item]:
    """At most ``limit`` pairs from (held-out) documents of 4 to 25 words, one a document; the id is the document's.

    A word counts where it is in lower case (no names, and not the head of a phrase without a verb, "Events of a certain
    type", whose case is free) and all its readings belong to one lemma. A form may replace it where it differs from
    every reading in the same one feature and none of its own readings, of any lemma, has the features of an old one (of
    a noun: the case).
    The subset is the change, such as ``case:nf>þf``, or ``case:nf/þf>ef`` where the word may be either.
    """
    database = Bin(add_compounds=False)
    items: list[Item] = []
    for document in in_hash_order(documents, lambda document: document.id, f"icelandic:{seed}"):
        if len(items) == limit:
            break
        if len(document.text.split()) not in _WORDS_OF_SENTENCE:
            continue
        changes = [
            (match, subset, form)
            for match in _WORD.finditer(document.text)
            if match.start() and match[0].islower()
            for subset, form in _wrong_forms(database, match[0])
        ]
        if changes:
            name = f"icelandic:{document.id}:{seed}"
            match, subset, form = in_hash_order(changes, lambda change: f"{change[0].start()}:{change[2]}", name)[0]
            text = document.text[: match.start()] + form + document.text[match.end() :]
            items.append(Item(document.id, subset, (document.text, text)))
    return items


def features(tag: str) -> dict[str, str]:
    """The features of a BÍN tag (``mark``), by name; what has no name, such as tense, under itself.

    ``ÞGFETgr`` -> case ÞGF, number ET, gr; ``GM-FH-NT-3P-FT`` -> person 3P, number FT, GM, FH, NT.
    """
    parts: list[str] = []
    for part in tag.rstrip("0123456789").split("-"):  # trailing digit: one of several variants of a form
        match = _CASE_NUMBER.fullmatch(part)
        parts += filter(None, match.groups()) if match else [part]
    return {_NAMES.get(part, part): part for part in parts}


def _wrong_forms(database: Bin, word: str) -> Iterator[tuple[str, str]]:
    """(subset, form) of each form that may replace a word."""
    readings = _readings(database, word)
    lemmas = {(lemma, word_class) for lemma, word_class, _ in readings}
    if len(lemmas) != 1:
        return
    lemma, word_class = next(iter(lemmas))
    olds = [features(tag) for _, _, tag in sorted(readings)]
    if word_class == "so" and not all("person" in old for old in olds):  # infinitives, participles, imperatives
        return
    seen = {word}
    for entry in sorted(database.lookup_id(lemma), key=lambda entry: (entry.mark, entry.bmynd)):
        # Only plain forms of the standard language: not archaic, rare or disputed ones.
        if entry.bmynd in seen or entry.birting != "K" or entry.beinkunn != 1 or not _WORD.fullmatch(entry.bmynd):
            continue
        new = features(entry.mark)
        changed = {_one_change(old, new) for old in olds}
        name = changed.pop()
        if changed or name is None or name not in _CHANGEABLE.get(word_class, ()):
            continue
        if any(_is_still_right(features(tag), olds, word_class) for _, _, tag in _readings(database, entry.bmynd)):
            continue
        seen.add(entry.bmynd)
        yield f"{name}:{'/'.join(sorted({old[name] for old in olds}))}>{new[name]}".lower(), entry.bmynd


def _readings(database: Bin, word: str) -> set[tuple[int, str, str]]:
    """(lemma's number, word class, tag) of every reading of a surface form; variants of a form are one."""
    return {(r.bin_id, r.ofl, r.mark.rstrip("0123456789")) for r in database.lookup_ksnid(word)[1]}


def _one_change(old: dict[str, str], new: dict[str, str]) -> str | None:
    """The name of the feature in which two forms differ, where it is one and both have it."""
    if old.keys() != new.keys():
        return None
    changed = [name for name in old if old[name] != new[name]]
    return changed[0] if len(changed) == 1 else None


def _is_still_right(reading: dict[str, str], olds: list[dict[str, str]], word_class: str) -> bool:
    """Whether a form read so can stand where the old one stood; a noun in the right case can, in any number."""
    if word_class in _NOUNS:
        return reading.get("case") in {old["case"] for old in olds}
    return reading in olds
