"""Minimal pairs from sentences: one word replaced by a form of its lemma that differs in exactly one feature.

The custom BLiMP of Glocker et al. (2025, section 3.6). So that no changed sentence stays acceptable, a word counts only
where all its readings are of one lemma and part of speech and agree on what changes, and a form may replace it only
where none of its own readings, of any lemma, fits where the old word stood.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from growmerge.benchmarks.inflection.features import Analysis
from growmerge.benchmarks.inflection.lexicon import Lexicon
from growmerge.benchmarks.items import Item
from growmerge.data.documents import Document
from growmerge.hashing import in_hash_order

# Letters; within a word also a hyphen, an apostrophe or Persian's zero-width non-joiner.
WORD = re.compile(r"[^\W\d_]+(?:[\u200c'’-][^\W\d_]+)*")


@dataclass(frozen=True)
class Rules:
    """What is changed.

    `dimensions` are, by part of speech, those that the rest of a sentence decides, so that another tag is wrong and not
    merely different; None: every dimension of every part of speech. A form that agrees with the old one in all of them
    still fits, whatever else it is.
    """

    dimensions: Mapping[str, frozenset[str]] | None = None
    min_words: int = 4
    max_words: int = 40
    per_sentence: int | None = None

    def decided(self, analysis: Analysis) -> frozenset[str]:
        """The dimensions of a reading that may be changed."""
        dimensions = analysis.features.keys()
        return frozenset(
            dimensions if self.dimensions is None else dimensions & self.dimensions.get(analysis.pos, set())
        )


@dataclass
class Account:
    """Of the sentences that are long and short enough: how many, repeated ones, pairs, and `words` of each outcome."""

    sentences: int = 0
    repeated: int = 0
    pairs: int = 0
    words: Counter[str] = field(default_factory=Counter)


def make_pairs(
    documents: Iterable[Document], lexicon: Lexicon, rules: Rules, seed: int, account: Account
) -> Iterator[Item]:
    """The pairs of sentences, one a document; ids are `document:place of the word:form`, subsets such as N;NOM->ACC.

    Of a sentence, at most `rules.per_sentence`, those with the smallest hashes. One that comes again is passed over.
    """
    seen: set[str] = set()
    for document in documents:
        text = document.text
        matches = list(WORD.finditer(text))
        if not rules.min_words <= len(matches) <= rules.max_words:
            continue
        if text in seen:
            account.repeated += 1
            continue
        seen.add(text)
        account.sentences += 1
        items = []
        for match in matches:
            old = readings(lexicon, match[0], first=match is matches[0])
            changes = list(wrong_forms(lexicon, match[0], old, rules, first=match is matches[0]))
            account.words[_outcome(old, changes)] += 1
            for subset, form in changes:
                wrong = text[: match.start()] + form + text[match.end() :]
                items.append(Item(f"{document.id}:{match.start()}:{form}", subset, (text, wrong)))
        if rules.per_sentence is not None:
            items = in_hash_order(items, lambda item: item.id, f"inflection:{seed}")[: rules.per_sentence]
        account.pairs += len(items)
        yield from items


def readings(lexicon: Lexicon, word: str, *, first: bool) -> list[Analysis]:
    """The readings of a word; of one in capitals or at the beginning of a sentence those in small letters, too."""
    found = list(lexicon.analyses(word))
    if word != word.lower() and (first or (word.isupper() and len(word) > 1)):
        found += [analysis for analysis in lexicon.analyses(word.lower()) if analysis not in found]
    return found


def wrong_forms(
    lexicon: Lexicon, word: str, old: Sequence[Analysis], rules: Rules, *, first: bool
) -> Iterator[tuple[str, str]]:
    """(subset, form) of each form that may replace a word with the readings `old`, in its capitals."""
    if len({(analysis.lemma, analysis.pos) for analysis in old}) != 1:
        return
    seen = {word.casefold()}
    for plain, new in sorted(lexicon.forms(old[0].lemma, old[0].pos), key=lambda entry: (_tags(entry[1]), entry[0])):
        form = _in_capitals_of(word, plain)
        changed = {_one_change(analysis, new) for analysis in old}
        name = changed.pop()
        if form.casefold() in seen or changed or name is None or not WORD.fullmatch(form):
            continue
        if not all(name in rules.decided(analysis) for analysis in old):
            continue
        if any(_fits(reading, old, rules) for reading in readings(lexicon, form, first=first)):
            continue
        seen.add(form.casefold())
        before = ",".join(sorted({analysis.features[name] for analysis in old}))
        yield f"{new.pos};{before}->{new.features[name]}", form


def _one_change(old: Analysis, new: Analysis) -> str | None:
    """The dimension in which two readings differ, where it is one and both have it."""
    if old.features.keys() != new.features.keys():
        return None
    changed = [name for name in old.features if old.features[name] != new.features[name]]
    return changed[0] if len(changed) == 1 else None


def _fits(reading: Analysis, olds: Sequence[Analysis], rules: Rules) -> bool:
    """Whether a form read so can stand where the old one stood."""
    return any(all(reading.features.get(name) == old.features[name] for name in rules.decided(old)) for old in olds)


def _tags(analysis: Analysis) -> list[tuple[str, str]]:
    return sorted(analysis.features.items())


def _in_capitals_of(word: str, form: str) -> str:
    if word.isupper() and len(word) > 1:
        return form.upper()
    return form[0].upper() + form[1:] if word[0].isupper() else form


def _outcome(old: Sequence[Analysis], changes: Sequence[tuple[str, str]]) -> str:
    if changes:
        return "changed"
    if not old:
        return "not in the lexicon"
    several = len({(analysis.lemma, analysis.pos) for analysis in old}) > 1
    return "several lemmas" if several else "no form that is surely wrong"
