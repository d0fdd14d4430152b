"""Which forms of a lexicon are well-formed: inflected as another lemma is.

Lexicons that were read off web pages hold rows that are no forms: a heading ("indefinite"), two endings in one
("töö, töödekstöiks"). What such a row does to its lemma no other row does.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from difflib import SequenceMatcher

from growmerge.benchmarks.inflection.features import Analysis

_STEM = "·"
_JUDGED = 20  # of fewer lemmas with a form in the same cell none is called irregular


def inflection(lemma: str, form: str) -> tuple[str, str]:
    """What surrounds the longest string that lemma and form share: `häst`, `hästar` -> `·`, `·ar`."""
    same = SequenceMatcher(None, lemma, form, autojunk=False).find_longest_match()
    return (
        f"{lemma[: same.a]}{_STEM}{lemma[same.a + same.size :]}",
        f"{form[: same.b]}{_STEM}{form[same.b + same.size :]}",
    )


def regular_forms(rows: Iterable[tuple[str, Analysis]]) -> set[tuple[str, str]]:
    """(form, lemma) of the forms that are inflected, in one of their cells, as another lemma is in the same cell."""
    cells: defaultdict[object, dict[tuple[str, str], set[tuple[str, str]]]] = defaultdict(lambda: defaultdict(set))
    for form, analysis in rows:
        cell = (analysis.pos, frozenset(analysis.features.items()))
        cells[cell][inflection(analysis.lemma, form)].add((form, analysis.lemma))
    regular: set[tuple[str, str]] = set()
    for inflections in cells.values():
        few = _number_of_lemmas(*inflections.values()) < _JUDGED
        for found in inflections.values():
            if few or _number_of_lemmas(found) > 1:
                regular |= found
    return regular


def _number_of_lemmas(*found: set[tuple[str, str]]) -> int:
    return len({lemma for some in found for _, lemma in some})
