"""Tables of numbers as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from growmerge.catalogue.entry import BITS_PER_BYTE

TOO_FEW = "n too small"  # in place of an interval over fewer than `statistics.FEWEST_ITEMS` items
HOLE = "-"  # stands where there is no number; the reason stands below the table


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table without a final line break: names on the left, numbers (all other columns) set flush right."""
    cells = [[cell.replace("|", r"\|") for cell in row] for row in (header, *rows)]
    ruler = ["---", *["--:"] * (len(header) - 1)]
    return "\n".join(f"| {' | '.join(row)} |" for row in (cells[0], ruler, *cells[1:]))


def decimals(measure: str, values: Iterable[float]) -> int:
    """How many to print, for all values of a measure alike: three of shares, ratios and bits, one of scores to 100."""
    return 1 if measure != BITS_PER_BYTE and any(value > 2 for value in values) else 3


def number(value: float, digits: int, best: float | None = None) -> str:
    """As printed: a hole for NaN, in bold if it is the `best`, or prints like it."""
    if value != value:
        return HOLE
    text = f"{value:.{digits}f}"
    return f"**{text}**" if best is not None and text == f"{best:.{digits}f}" else text


def interval(value: float, low: float, high: float, digits: int) -> str:
    """To follow a number: ` [low, high]`, or that there are too few items for one; nothing after a hole."""
    if value != value:
        return ""
    return f" [{TOO_FEW}]" if low != low or high != high else f" [{low:.{digits}f}, {high:.{digits}f}]"


def listed(names: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return " and ".join(part for part in (", ".join(names[:-1]), *names[-1:]) if part)
