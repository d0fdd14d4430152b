"""Words, also of scripts that put no spaces between them.

Chinese, Japanese, Thai, Lao, Khmer, Burmese and Tibetan are counted and compared by characters. Segmenters would give
words, but they carry dictionaries that change from version to version, and what is held out must never change.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterator

from growmerge.data.documents import fold

# Han with its radicals and numerals, kana (of half width, too) and bopomofo.
_EAST_ASIAN = (
    "\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3031-\u3035\u3038-\u303c\u3040-\u312f\u31a0-\u31bf\u31f0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9f\U0001aff0-\U0001b16f\U00020000-\U0003ffff"
)
# Thai, Lao, Tibetan, Burmese, Khmer, and the smaller scripts of Unicode's line-breaking class SA ("complex context").
_SOUTH_EAST_ASIAN = "\u0e00-\u109f\u1780-\u17ff\u1950-\u19ff\u1a20-\u1aaf\ua9e0-\ua9ff\uaa60-\uaadf"
_EAST = re.compile(f"[{_EAST_ASIAN}]")
_UNSPACED = re.compile(f"[{_EAST_ASIAN}{_SOUTH_EAST_ASIAN}]")
_RUN = re.compile(f"{_UNSPACED.pattern}(?: {_UNSPACED.pattern})*")
# How many letters make a word, on average and rounded up, in running text.
_EAST_LETTERS = 2
_SOUTH_EAST_LETTERS = 4


def count_words(text: str, numbers: bool = False) -> int:
    """How many words the text has: pieces between spaces that have a letter, or any pieces with `numbers`.

    In scripts without spaces, two letters of Chinese and Japanese count as a word, and four of South East Asia's
    scripts; what is left over at the end counts as one.
    """
    unspaced = [] if text.isascii() else [c for c in _UNSPACED.findall(text) if c.isalpha()]
    pieces = (_UNSPACED.sub(" ", text) if unspaced else text).split()
    east = sum(bool(_EAST.match(c)) for c in unspaced)
    words = east / _EAST_LETTERS + (len(unspaced) - east) / _SOUTH_EAST_LETTERS
    return math.ceil(words) + sum(numbers or any(c.isalpha() for c in piece) for piece in pieces)


def separated(text: str) -> str:
    """The folded text with a single space between words, where characters of scripts without spaces are words.

    Texts that differ only in how Unicode encodes them (composed or not, full or half width) become the same.
    """
    folded = unicodedata.normalize("NFKC", fold(unicodedata.normalize("NFC", text)))
    if folded.isascii() or not _UNSPACED.search(folded):
        return folded
    return " ".join(_UNSPACED.sub(r" \g<0> ", folded).split())


def windows(separated_text: str, length: int) -> Iterator[str]:
    """All runs of `length` neighbouring characters of scripts without spaces, in a text of :func:`separated`."""
    for run in _RUN.finditer(separated_text):
        characters = run[0].replace(" ", "")
        for start in range(len(characters) - length + 1):
            yield characters[start : start + length]
