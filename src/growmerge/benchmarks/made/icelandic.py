"""Icelandic morphology as minimal pairs, from the Database of Icelandic Morphology (BÍN, CC BY-SA 4.0; ``islenska``).

Only features that the rest of the sentence decides are changed, so that the result is wrong and not merely different:
case of nouns, case and gender of adjectives and pronouns (agreement), person and number of finite verbs (agreement with
a subject that Icelandic does not leave out). Number, tense and definiteness of a noun are often free, so they stay.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from islenska import Bin

from growmerge.benchmarks.inflection.features import Analysis
from growmerge.benchmarks.inflection.pairs import Rules, wrong_forms
from growmerge.benchmarks.items import Item
from growmerge.data.documents import Document
from growmerge.hashing import in_hash_order

RULES = Rules(
    dimensions={
        "N": frozenset({"Case"}),
        "ADJ": frozenset({"Case", "Gender"}),
        "PRO": frozenset({"Case", "Gender"}),
        "V": frozenset({"Person", "Number"}),
    }
)
# Word classes of BÍN; of verbs, only finite forms are V.
_CLASSES = {**dict.fromkeys(("kk", "kvk", "hk"), "N"), "lo": "ADJ", "fn": "PRO", "so": "V"}
_FEATURES = {
    **{"NF": ("Case", "NOM"), "ÞF": ("Case", "ACC"), "ÞGF": ("Case", "DAT"), "EF": ("Case", "GEN")},
    **{"ET": ("Number", "SG"), "FT": ("Number", "PL")},
    **{"KK": ("Gender", "MASC"), "KVK": ("Gender", "FEM"), "HK": ("Gender", "NEUT")},
    **{"1P": ("Person", "1"), "2P": ("Person", "2"), "3P": ("Person", "3")},
}
_WORD = re.compile(r"[^\W\d_]+")
_CASE_NUMBER = re.compile(r"(NF|ÞF|ÞGF|EF)(ET|FT)(gr)?")
_WORDS_OF_SENTENCE = range(4, 26)


class BinLexicon:
    """BÍN as a lexicon of :mod:`growmerge.benchmarks.inflection`; lemmas are its numbers."""

    def __init__(self) -> None:
        self._database = Bin(add_compounds=False)

    def analyses(self, form: str) -> Sequence[Analysis]:
        """The readings of a form; variants of a form are one."""
        entries = self._database.lookup_ksnid(form)[1]
        return list(dict.fromkeys(analysis(e.bin_id, e.ofl, e.mark) for e in sorted(entries, key=lambda e: e.mark)))

    def forms(self, lemma: str, pos: str) -> Sequence[tuple[str, Analysis]]:
        """The plain forms of the standard language: not archaic, rare or disputed ones."""
        plain = (e for e in self._database.lookup_id(int(lemma)) if e.birting == "K" and e.beinkunn == 1)
        found = ((e.bmynd, analysis(e.bin_id, e.ofl, e.mark)) for e in plain)
        return [(form, reading) for form, reading in found if reading.pos == pos]


def analysis(lemma: int, word_class: str, tag: str) -> Analysis:
    """The reading that a BÍN entry stands for; what has no tag of UniMorph, such as tense, is a feature by itself.

    ``ÞGFETgr`` -> Case DAT, Number SG, gr; ``GM-FH-NT-3P-FT`` -> Person 3, Number PL, GM, FH, NT.
    """
    parts: list[str] = []
    for part in tag.rstrip("0123456789").split("-"):  # trailing digit: one of several variants of a form
        match = _CASE_NUMBER.fullmatch(part)
        parts += filter(None, match.groups()) if match else [part]
    features = dict(_FEATURES.get(part, (part, part)) for part in parts)
    pos = _CLASSES.get(word_class, word_class)
    return Analysis(str(lemma), "V.NFIN" if pos == "V" and "Person" not in features else pos, features)


def icelandic_pairs(documents: Sequence[Document], limit: int, seed: int) -> list[Item]:
    """At most ``limit`` pairs from (held-out) documents of 4 to 25 words, one a document; the id is the document's.

    A word counts where it is in small letters: no names, and not the head of a phrase without a verb, "Events of a
    certain type", whose case is free. The subset is the change, such as ``N;NOM->ACC``, or ``N;ACC,NOM->GEN`` where the
    word may be either.
    """
    lexicon = BinLexicon()
    items: list[Item] = []
    for document in in_hash_order(documents, lambda document: document.id, f"icelandic:{seed}"):
        if len(items) == limit:
            break
        if len(document.text.split()) not in _WORDS_OF_SENTENCE:
            continue
        changes = list(_changes(lexicon, document.text))
        if changes:
            name = f"icelandic:{document.id}:{seed}"
            match, subset, form = in_hash_order(changes, lambda change: f"{change[0].start()}:{change[2]}", name)[0]
            text = document.text[: match.start()] + form + document.text[match.end() :]
            items.append(Item(document.id, subset, (document.text, text)))
    return items


def _changes(lexicon: BinLexicon, text: str) -> Iterator[tuple[re.Match[str], str, str]]:
    for match in _WORD.finditer(text):
        if match.start() and match[0].islower():
            readings = lexicon.analyses(match[0])
            for change in wrong_forms(lexicon, match[0], readings, RULES, first=False):
                yield match, change.subset, change.form
