"""Fill-in items of an examination as sentences with the right and the wrong answers in the gap.

The Estonian national examinations for Estonian as a second language (TalTechNLP/exam_et), of which Glocker et al.
(2025, table 2) use the fill-in items alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from growmerge.benchmarks.conversion import Conversion
from growmerge.benchmarks.items import Item
from growmerge.benchmarks.records import Drop, Record, first_is_right

# The default, in brackets or without; how the examinations write a gap was not verified.
_GAP = r"(?:_+|…+|\.{3,})"
GAP = rf"\({_GAP}\)|\[{_GAP}\]|{_GAP}"


def items(conversion: Conversion) -> Iterator[Item]:
    """The sentences of each record; the study may say what a gap looks like."""
    return conversion.each(filler(conversion.benchmark.gap or GAP))


def filler(gap: str) -> Callable[[Record], Item]:
    """A converter of records with `question`, `choices` and `answer`, an index from 0; `gap`: a regular expression."""
    pattern = re.compile(gap)

    def fill(record: Record) -> Item:
        question, choices = record.text("question"), record.texts("choices")
        right = record.index("answer", len(choices))
        if len(pattern.findall(question)) != 1:
            raise Drop("not one gap")
        before, after = pattern.split(question)
        ordered = first_is_right(choices, right)
        return Item(record.id, record.subset, tuple(f"{before}{choice}{after}" for choice in ordered))

    return fill
