"""Words, also of scripts that put no spaces between them.

Chinese, Japanese, Thai, Lao, Khmer, Burmese and Tibetan are counted and compared by characters. Segmenters would give
words, but they carry dictionaries that change from version to version, and what is held out must never change.
"""

from __future__ import annotations

import math
import re
import unicodedata

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
_UNSPACED_RUN = re.compile(f"{_UNSPACED.pattern}+")
_RUN = re.compile(f"{_UNSPACED.pattern}[ {_EAST_ASIAN}{_SOUTH_EAST_ASIAN}]*")  # spaces within it do not count
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
    return spread(normalized(text))


def normalized(text: str) -> str:
    """The text of :func:`separated` as it is before :func:`spread`."""
    return unicodedata.normalize("NFKC", fold(unicodedata.normalize("NFC", text)))


def spread(normalized_text: str) -> str:
    """A text of :func:`normalized`, with spaces around each character of scripts without spaces."""
    if not _has_unspaced(normalized_text):
        return normalized_text
    return " ".join(_UNSPACED_RUN.sub(lambda run: f" {' '.join(run[0])} ", normalized_text).split())


def windows(text: str, length: int) -> list[str]:
    """All runs of `length` neighbouring characters of scripts without spaces.

    `text` is one of :func:`normalized` or :func:`separated`; spaces between such characters do not count.
    """
    runs = [run.replace(" ", "") for run in _RUN.findall(text)]
    return [run[start : start + length] for run in runs for start in range(len(run) - length + 1)]


def words_and_windows(text: str, length: int) -> list[str]:
    """The words in scripts with spaces between words, then the :func:`windows` of the others. `text` is as there."""
    if not _has_unspaced(text):
        return text.split()
    return _RUN.sub(" ", text).split() + windows(text, length)


def _has_unspaced(text: str) -> bool:
    return not text.isascii() and _UNSPACED.search(text) is not None
