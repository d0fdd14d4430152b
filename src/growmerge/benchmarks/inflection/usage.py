"""How often a text uses a word, beside how often its paradigm explains.

A lexicon that lacks function words takes each that equals a rare form for that form: Icelandic "við" (with) for the
accusative of "viður" (wood), Estonian "või" (or) for the imperative of "võima" (can).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

from growmerge.benchmarks.inflection.features import Analysis
from growmerge.benchmarks.inflection.lexicon import Lexicon, counted_as

# A word is too common if it is there this many times as often as explained. Shares of a cell differ between lemmas by
# much less: mass nouns have no plural, but a singular.
_TIMES = 8


class Usage:
    """The words of a text, and the share of each cell (features) in what is used of a paradigm."""

    def __init__(self, counts: Mapping[str, int], lexicon: Lexicon) -> None:
        """`counts`: how often the text has each word, as `counted_as` gives it."""
        self._counts = counts
        self._lexicon = lexicon
        shares: defaultdict[str, Counter[object]] = defaultdict(Counter)
        lemmas: Counter[str] = Counter()
        for lemma, pos in _lemmas(counts, lexicon):
            cells: Counter[object] = Counter()
            for form, analysis in lexicon.forms(lemma, pos):
                cells[_cell(analysis)] += counts.get(counted_as(form), 0)
            total = cells.total()
            if not total:  # a reading in small letters of a word that the lexicon writes with a capital
                continue
            lemmas[pos] += 1
            for cell, count in cells.items():
                shares[pos][cell] += count / total  # type: ignore[assignment]
        self._shares = {pos: {cell: share / lemmas[pos] for cell, share in s.items()} for pos, s in shares.items()}

    def is_too_common(self, word: str, readings: Sequence[Analysis]) -> bool:
        """Whether the text has a word more often than its readings explain, all of one lemma and part of speech.

        Explained are `others * share / (1 - share)` uses: `others` is how often the text has the other forms of the
        lemma, `share` the mean share of the readings' cells in the lemmas of the text. One use more is granted.
        """
        if not readings:
            return False
        lemma, pos = readings[0].lemma, readings[0].pos
        forms = {counted_as(form) for form, _ in self._lexicon.forms(lemma, pos)} - {counted_as(word)}
        others = sum(self._counts.get(form, 0) for form in forms)
        cells = {_cell(reading) for reading in readings}
        share = min(sum(self._shares.get(pos, {}).get(cell, 0.0) for cell in cells), 0.5)
        return self._counts.get(counted_as(word), 0) > _TIMES * (1 + others * share / (1 - share))


def _lemmas(counts: Iterable[str], lexicon: Lexicon) -> set[tuple[str, str]]:
    return {(analysis.lemma, analysis.pos) for word in counts for analysis in lexicon.analyses(word)}


def _cell(analysis: Analysis) -> object:
    return frozenset(analysis.features.items())
