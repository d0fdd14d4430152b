"""Full-form lexicons: which readings a form has, and which forms a lemma has."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from growmerge.benchmarks.inflection.features import Analysis, parse
from growmerge.errors import GrowmergeError


class Lexicon(Protocol):
    """What pairs are made from."""

    def analyses(self, form: str) -> Sequence[Analysis]:
        """The readings of a form, none for an unknown one."""

    def forms(self, lemma: str, pos: str) -> Sequence[tuple[str, Analysis]]:
        """The forms of a lemma that may replace others, each with one of its readings."""


class UniMorph:
    """A lexicon in UniMorph's format: lemma, form, features, with tabs between; a fourth column is not read."""

    def __init__(self, path: Path) -> None:
        """Read a file. Raises GrowmergeError naming the line that is none of this format."""
        self._analyses: defaultdict[str, list[Analysis]] = defaultdict(list)
        self._forms: defaultdict[tuple[str, str], list[tuple[str, Analysis]]] = defaultdict(list)
        try:
            # With a byte order mark or without; splitlines would also break lines inside a column, as at U+2028.
            lines = path.read_text(encoding="utf-8-sig").split("\n")
        except (OSError, UnicodeDecodeError) as error:
            raise GrowmergeError(f"{path}: cannot be read ({error})") from error
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            columns = [column.strip() for column in line.split("\t")]
            if len(columns) < 3 or not all(columns[:3]):
                raise GrowmergeError(f"{path}: line {number}: not lemma, form and features with tabs between")
            lemma, form, tags = columns[:3]
            analysis = parse(lemma, tags)
            if not analysis.pos:
                raise GrowmergeError(f"{path}: line {number}: no part of speech in the features '{tags}'")
            # Forms of several words, such as compound tenses, are no replacement for one word.
            if " " not in form and analysis not in self._analyses[form]:
                self._analyses[form].append(analysis)
                self._forms[lemma, analysis.pos].append((form, analysis))
        if not self._forms:
            raise GrowmergeError(f"{path}: has no forms")

    def analyses(self, form: str) -> Sequence[Analysis]:
        """See :class:`Lexicon`."""
        return self._analyses.get(form, [])

    def forms(self, lemma: str, pos: str) -> Sequence[tuple[str, Analysis]]:
        """See :class:`Lexicon`."""
        return self._forms.get((lemma, pos), [])
