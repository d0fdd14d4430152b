"""Fonts of figures: one that is everywhere, and for scripts that it lacks those that the machine has."""

from __future__ import annotations

from functools import cache

from matplotlib import font_manager
from matplotlib.ft2font import FT2Font

FONT = "DejaVu Sans"  # comes with matplotlib; Latin, Cyrillic, Greek, Armenian, Georgian, Arabic, Hebrew, and more
# For scripts beyond these, in this order, where they are installed: fonts of Linux distributions, macOS and Windows.
FALLBACKS = (
    *("Noto Sans CJK SC", "Noto Sans CJK JP", "Noto Sans SC", "Noto Sans JP", "Noto Sans KR", "Source Han Sans SC"),
    *("WenQuanYi Zen Hei", "WenQuanYi Micro Hei", "Droid Sans Fallback", "PingFang SC", "Hiragino Sans GB"),
    *("Microsoft YaHei", "Yu Gothic", "Malgun Gothic", "Apple SD Gothic Neo"),
    *("Noto Sans Devanagari", "Noto Sans Bengali", "Noto Sans Tamil", "Noto Sans Telugu", "Noto Sans Gujarati"),
    *("Noto Sans Kannada", "Noto Sans Malayalam", "Noto Sans Gurmukhi", "Noto Sans Sinhala", "Nirmala UI"),
    *("Noto Sans Thai", "Noto Sans Lao", "Noto Sans Khmer", "Noto Sans Myanmar", "Noto Sans Ethiopic", "Noto Sans"),
    *("Leelawadee UI", "Ebrima", "FreeSans", "Arial Unicode MS", "Unifont"),
)


@cache
def fallback_fonts() -> tuple[str, ...]:
    """Those of `FALLBACKS` that this machine has; matplotlib would warn of the others at every text."""
    there = {entry.name for entry in font_manager.fontManager.ttflist}
    return tuple(name for name in FALLBACKS if name in there)


def drawable(text: str, code: str) -> str:
    """`text` if a font of figures has each of its characters, else `code`, which stands for the same in ASCII.

    Without it, a figure would show a box for every character that is missing.
    """
    return text if all(ord(sign) in _characters() for sign in text if not sign.isspace()) else code


@cache
def _characters() -> frozenset[int]:
    """The code points that figures can draw on this machine."""
    files = (font_manager.findfont(name, fallback_to_default=False) for name in (FONT, *fallback_fonts()))
    return frozenset().union(*(FT2Font(file).get_charmap() for file in files))
