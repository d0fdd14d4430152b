"""Information parity: sentences with the English ones of the same ids. FLORES-200 and FLORES+.

The columns: `id` and `text` (FLORES+), or `id` and `sentence` of facebook/flores (`fields: {text: sentence}`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from growmerge.benchmarks.conversion import Conversion
from growmerge.benchmarks.items import Item
from growmerge.benchmarks.parallel import check_length, other_side, sentences
from growmerge.benchmarks.records import Record


def items(conversion: Conversion) -> Iterator[Item]:
    """The sentence of each record, with its English one."""
    return conversion.each(joiner(conversion.counterpart.records(), conversion.benchmark.max_words))


def joiner(english: Iterable[Record], max_words: int | None) -> Callable[[Record], Item]:
    """A converter of records to sentences with the English one as their reference."""
    references = sentences(english)

    def join(record: Record) -> Item:
        text, reference = record.text("text"), other_side(record, references)
        check_length(max_words, text, reference)
        return Item(f"sentence:{record.optional('id')}", "parity", (text,), reference)

    return join
