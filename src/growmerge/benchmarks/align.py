"""Alignment of sentences by Levenshtein distance: for each wrong one the nearest right one."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence

_WORD = re.compile(r"\w+")
# The nearest is sought among the sentences that share the rarest words. On DaLAJ's dev and test splits that finds the
# same as a search among all that share a word but for 1 in 150, where both are far.
_RAREST = 8
_CANDIDATES = 20


def levenshtein(left: str, right: str) -> int:
    """Insertions, deletions and substitutions of characters that turn one string into the other.

    Bit-parallel (Myers 1999, in the form of Hyyrö 2003): a column of the table is two integers of len(left) bits.
    """
    if not left:
        return len(right)
    places: defaultdict[str, int] = defaultdict(int)
    for place, character in enumerate(left):
        places[character] |= 1 << place
    full, last = (1 << len(left)) - 1, 1 << (len(left) - 1)
    plus, minus, distance = full, 0, len(left)
    for character in right:
        match = places.get(character, 0)
        zero = (((match & plus) + plus) ^ plus) | match | minus
        plus_across = minus | (~(zero | plus) & full)
        minus_across = plus & zero
        distance += bool(plus_across & last) - bool(minus_across & last)
        plus_across = (plus_across << 1) | 1
        plus = (minus_across << 1 | ~(zero | plus_across)) & full
        minus = plus_across & zero & full
    return distance


class Nearest:
    """Finds the nearest of some sentences."""

    def __init__(self, sentences: Sequence[str]) -> None:
        """Index the distinct sentences by their words."""
        self.sentences = list(dict.fromkeys(sentences))
        self._by_word: defaultdict[str, list[int]] = defaultdict(list)
        for number, sentence in enumerate(self.sentences):
            for word in _words(sentence):
                self._by_word[word].append(number)

    def nearest(self, sentence: str, most: float) -> str | None:
        """The sentence at the smallest distance from another one, the first of several; the same one does not count.

        None where none shares a word, or the smallest distance is above `most` times the length of the longer sentence.
        """
        weights: defaultdict[int, float] = defaultdict(float)
        known = [numbers for word in sorted(_words(sentence)) if (numbers := self._by_word.get(word))]
        for numbers in sorted(known, key=len)[:_RAREST]:
            for number in numbers:
                weights[number] += 1 / len(numbers)
        candidates = sorted(weights, key=lambda number: (-weights[number], number))[:_CANDIDATES]
        distances = [
            (levenshtein(sentence, other), number)
            for number in candidates
            if (other := self.sentences[number]) != sentence
        ]
        if not distances:
            return None
        distance, number = min(distances)
        found = self.sentences[number]
        return found if distance <= most * max(len(sentence), len(found)) else None


def _words(sentence: str) -> set[str]:
    return set(_WORD.findall(sentence.casefold()))
