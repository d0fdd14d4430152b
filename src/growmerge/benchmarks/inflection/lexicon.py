"""Full-form lexicons: which readings a form has, and which forms a lemma has."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Sequence
from pathlib import Path
from typing import Protocol

from growmerge.benchmarks.inflection.features import Analysis, alternatives, parse
from growmerge.benchmarks.inflection.regular import regular_forms
from growmerge.benchmarks.lines import read_lines
from growmerge.errors import GrowmergeError

# Between the parts of Persian words that are written as one and not joined; lexicons and texts differ in writing it.
JOINER = "\u200c"


def counted_as(word: str) -> str:
    """What a word is counted as: in small letters, without joiners."""
    return word.lower().replace(JOINER, "")


class Lexicon(Protocol):
    """What pairs are made from."""

    def analyses(self, form: str) -> Sequence[Analysis]:
        """The readings of a form, none for an unknown one."""

    def forms(self, lemma: str, pos: str) -> Sequence[tuple[str, Analysis]]:
        """The forms of a lemma that may replace others, each with one of its readings."""


class UniMorph:
    """A lexicon in UniMorph's format: lemma, form, features, with tabs between; a fourth column is not read.

    Rows with spaces in lemma or form say nothing of single words: compound tenses, and verbs of several words.
    """

    def __init__(self, path: Path, attested: Container[str] | None = None) -> None:
        """Read a file.

        With `attested`, the words of a text (see `counted_as`), forms that are not among them may replace others only
        where another lemma is inflected in the same way (`growmerge.benchmarks.inflection.regular`).

        Raises GrowmergeError naming the line that is none of this format.
        """
        rows = _read(path)
        self._analyses: defaultdict[str, list[Analysis]] = defaultdict(list)
        self._forms: defaultdict[tuple[str, str], list[tuple[str, Analysis]]] = defaultdict(list)
        regular = set() if attested is None else regular_forms(rows)
        for form, analysis in dict.fromkeys(rows):
            self._analyses[form].append(analysis)
            if attested is None or counted_as(form) in attested or (form, analysis.lemma) in regular:
                self._forms[analysis.lemma, analysis.pos].append((form, analysis))
        if not self._analyses:
            raise GrowmergeError(f"{path}: has no forms")

    def analyses(self, form: str) -> Sequence[Analysis]:
        """See :class:`Lexicon`."""
        found = self._analyses.get(form, [])
        return found or (self._analyses.get(form.replace(JOINER, ""), []) if form.count(JOINER) == 1 else [])

    def forms(self, lemma: str, pos: str) -> Sequence[tuple[str, Analysis]]:
        """See :class:`Lexicon`."""
        return self._forms.get((lemma, pos), [])


def _read(path: Path) -> list[tuple[str, Analysis]]:
    """(form, reading) of the rows of single words."""
    rows = []
    for number, line in enumerate(read_lines(path), start=1):
        if not line.strip():
            continue
        columns = [column.strip() for column in line.split("\t")]
        if len(columns) < 3 or not all(columns[:3]):
            raise GrowmergeError(f"{path}: line {number}: not lemma, form and features with tabs between")
        lemma, form, tags = columns[:3]
        analysis = parse(lemma, tags)
        if not analysis.pos:
            raise GrowmergeError(f"{path}: line {number}: no part of speech in the features '{tags}'")
        if len(lemma.split()) == len(form.split()) == 1:
            rows += [(form, reading) for reading in alternatives(analysis)]
    return rows
