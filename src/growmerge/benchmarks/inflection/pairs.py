"""Minimal pairs from sentences: one word replaced by a form of its lemma that differs in exactly one feature.

The custom BLiMP of Glocker et al. (2025, section 3.6). So that no changed sentence stays acceptable, a word counts only
where all its readings are of one lemma and part of speech and agree on what changes, and a form may replace it only
where none of its own readings, of any lemma, fits where the old word stood. In a treebank's sentence, the readings are
those that its tags allow, and its tree decides what may change (`growmerge.benchmarks.inflection.syntax`); in plain
text, a word does not count that the text has far more often than its paradigm explains (`...inflection.usage`).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from growmerge.benchmarks.inflection import syntax
from growmerge.benchmarks.inflection.conllu import Tagged
from growmerge.benchmarks.inflection.features import Analysis
from growmerge.benchmarks.inflection.lexicon import JOINER, Lexicon
from growmerge.benchmarks.inflection.usage import Usage
from growmerge.benchmarks.items import Item
from growmerge.data.documents import Document
from growmerge.hashing import in_hash_order

# Letters; within a word also a hyphen, an apostrophe or Persian's zero-width non-joiner.
WORD = re.compile(r"[^\W\d_]+(?:[\u200c'’-][^\W\d_]+)*")
# Cases of subjects, objects, attributes; the others (in, from, with, as ...) differ in what they say.
_GRAMMATICAL = frozenset({"NOM", "ACC", "GEN", "DAT", "PRT", "ERG", "ABS"})
_TOTAL = frozenset({"NOM", "ACC", "GEN"})  # a whole object; a part of it, or one not reached, is in the partitive


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


@dataclass(frozen=True)
class Change:
    """A form that may replace a word: its reading, the dimension in which it differs, and the word's tags in that."""

    form: str
    new: Analysis
    dimension: str
    before: frozenset[str]

    @property
    def after(self) -> str:
        """The form's tag in the dimension."""
        return self.new.features[self.dimension]

    @property
    def subset(self) -> str:
        """What it is called: N;NOM->ACC, or N;ACC,NOM->GEN where the word may be either."""
        return f"{self.new.pos};{','.join(sorted(self.before))}->{self.after}"

    @property
    def alternates(self) -> bool:
        """Whether the cases differ in what they say rather than in what is right: both local, say, or partitive."""
        if self.dimension != "Case":
            return False
        partitive = "PRT" in {self.after, *self.before} and bool(_TOTAL & {self.after, *self.before})
        return partitive or not _GRAMMATICAL & {self.after, *self.before}


@dataclass
class Account:
    """Counts over sentences of the wanted length: how many, repeated ones, pairs, and `words` by outcome."""

    sentences: int = 0
    repeated: int = 0
    pairs: int = 0
    words: Counter[str] = field(default_factory=Counter)


def make_pairs(
    documents: Iterable[Document],
    lexicon: Lexicon,
    rules: Rules,
    seed: int,
    account: Account,
    usage: Usage | None = None,
) -> Iterator[Item]:
    """The pairs of sentences, one a document; ids are `document:place of the word:form`, subsets such as N;NOM->ACC.

    Of a sentence, at most `rules.per_sentence`, those with the smallest hashes. One that comes again is passed over.
    Without `usage`, no word is too common.
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
            outcome, changes = _changes(document, match, lexicon, rules, usage, first=match is matches[0])
            account.words[outcome] += 1
            for change in changes:
                wrong = text[: match.start()] + change.form + text[match.end() :]
                items.append(Item(f"{document.id}:{match.start()}:{change.form}", change.subset, (text, wrong)))
        if rules.per_sentence is not None:
            items = in_hash_order(items, lambda item: item.id, f"inflection:{seed}")[: rules.per_sentence]
        account.pairs += len(items)
        yield from items


def changed_word(item: Item) -> str:
    """The word of a pair that is replaced, in small letters."""
    _, place, _ = item.id.rsplit(":", 2)
    found = WORD.match(item.candidates[0], int(place))
    return found[0].lower() if found else ""


def _changes(
    document: Document, match: re.Match[str], lexicon: Lexicon, rules: Rules, usage: Usage | None, *, first: bool
) -> tuple[str, list[Change]]:
    """What becomes of a word, as `Account.words` counts it, and the changes."""
    word = match[0]
    old = readings(lexicon, word, first=first)
    if not old:
        return "not in the lexicon", []
    token = None
    if isinstance(document, Tagged):
        token = document.by_span.get(match.span())
        old = syntax.meant(old, token) if token else []
        if not old:
            return "tagged as something else", []
    if len({(analysis.lemma, analysis.pos) for analysis in old}) > 1:
        return "several lemmas", []
    if token is None and usage and usage.is_too_common(word, old):
        return "more common than its paradigm explains", []
    found = [
        change
        for change in wrong_forms(lexicon, word, old, rules, first=first)
        if rules.dimensions is None or not change.alternates
    ]
    if not found:
        return "no form that is surely wrong", []
    if isinstance(document, Tagged) and token and rules.dimensions is not None:
        found = [change for change in found if syntax.decides(document, token, change.dimension, change.after)]
    return ("changed", found) if found else ("not decided by the sentence", [])


def readings(lexicon: Lexicon, word: str, *, first: bool) -> list[Analysis]:
    """The readings of a word; of one in capitals or at the beginning of a sentence those in small letters, too."""
    found = list(lexicon.analyses(word))
    if word != word.lower() and (first or (word.isupper() and len(word) > 1)):
        found += [analysis for analysis in lexicon.analyses(word.lower()) if analysis not in found]
    return found


def wrong_forms(lexicon: Lexicon, word: str, old: Sequence[Analysis], rules: Rules, *, first: bool) -> Iterator[Change]:
    """Each form that may replace a word with the readings `old`, in its capitals; none for those of several lemmas."""
    if len({(analysis.lemma, analysis.pos) for analysis in old}) != 1:
        return
    seen = {word.casefold()}
    for plain, new in sorted(lexicon.forms(old[0].lemma, old[0].pos), key=lambda entry: (_tags(entry[1]), entry[0])):
        form = _spelled_as(word, plain)
        changed = {_one_change(analysis, new) for analysis in old}
        name = changed.pop()
        if changed or name is None or form.casefold() in seen or not WORD.fullmatch(form):
            continue
        if not all(name in rules.decided(analysis) for analysis in old):
            continue
        if any(_fits(reading, old, rules) for reading in readings(lexicon, form, first=first)):
            continue
        seen.add(form.casefold())
        yield Change(form, new, name, frozenset(analysis.features[name] for analysis in old))


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


def _spelled_as(word: str, form: str) -> str:
    """The form in the capitals of the word, and with its joiner where it begins as the word does; "" if it does not."""
    if JOINER in word and JOINER not in form:
        before = word.partition(JOINER)[0]
        return f"{before}{JOINER}{form.removeprefix(before)}" if form.startswith(before) and form != before else ""
    if word.isupper() and len(word) > 1:
        return form.upper()
    return form[0].upper() + form[1:] if word[0].isupper() else form
