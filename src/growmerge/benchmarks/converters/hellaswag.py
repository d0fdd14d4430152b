"""HellaSwag (Zellers et al. 2019) and its translations: the ending of a description as a continuation of it.

As lighteval does it: the marks that WikiHow articles left are taken out; what follows a sentence begins with a capital,
what goes on in one with a small letter.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from growmerge.benchmarks.conversion import Conversion
from growmerge.benchmarks.converters.questions import space
from growmerge.benchmarks.items import Item
from growmerge.benchmarks.records import Drop, Record, first_is_right

_TITLE = re.compile(r" \[title\]")
_TURKISH_TITLE = re.compile(r" \[(?:title|başlık|adım|header)\]")
_MARK = re.compile(r"\[.*?\]")
_ENDS = (".", "?", "!", ":", ";", "。", "？", "！", "：", "；", "؟", "؛")


def items(conversion: Conversion) -> Iterator[Item]:
    """The description of each record, and its endings."""
    return conversion.each(ender(conversion.language))


def ender(language: str) -> Callable[[Record], Item]:
    """A converter of records with `context`, `begin` (of the sentence to end; may be empty), `endings`, `answer`."""
    gap = space(language)
    title = _TURKISH_TITLE if language == "tur" else _TITLE

    def end(record: Record) -> Item:
        context, begin = clean(record.text("context"), title), clean(record.optional("begin"), title)
        endings = [clean(ending, title) for ending in record.texts("endings")]
        if not context or not all(endings):
            raise Drop("empty text")
        right = record.index("answer", len(endings))
        context = context[0].upper() + context[1:]
        if begin:
            context = f"{context}{gap}{_in_case_after(context, begin)}"
        ordered = first_is_right([_in_case_after(context, ending) for ending in endings], right)
        return Item(record.id, record.subset, tuple(gap + ending for ending in ordered), context=context)

    return end


def clean(text: str, title: re.Pattern[str]) -> str:
    """The text without WikiHow's marks; what marks a title ends a sentence."""
    return _MARK.sub("", title.sub(". ", text)).replace("  ", " ").strip()


def _in_case_after(before: str, text: str) -> str:
    first = text[0].upper() if before.endswith(_ENDS) else text[0].lower()
    return first + text[1:]
