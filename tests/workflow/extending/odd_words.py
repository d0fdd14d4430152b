"""Capitals as minimal pairs, and words of which one does not belong to the others."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from growmerge.catalogue.entry import FACTS, Dataset, Entry, Metric

if TYPE_CHECKING:
    from growmerge.benchmarks.conversion import Conversion
    from growmerge.benchmarks.items import Item
    from growmerge.benchmarks.records import Record

BENCHMARKS = {
    "capitals": Entry(
        "pairs",  # a module of growmerge.benchmarks.converters
        "CC0",
        measure=FACTS,
        languages={"swe": Dataset("data/capitals/swe.jsonl")},  # from the working directory
        fields={"right": "right", "wrong": "wrong"},  # what the converter calls a column: what the file calls it
    ),
    "odd_one_out": Entry(
        __name__,  # this module: its function `items`
        "CC0",
        Metric("accuracy", "character"),
        languages={"swe": Dataset("data/odd_one_out/swe.jsonl")},  # {"words": ["häst", "ko", "båt"], "odd": 2}
        fields={"words": "words", "odd": "odd"},
    ),
}


def items(conversion: Conversion) -> Iterator[Item]:
    """Asks which word does not belong: the right answer first, then the others."""
    # Rules read this file whenever Snakemake parses them; what takes time to import is imported here.
    from growmerge.benchmarks.items import Item
    from growmerge.benchmarks.records import first_is_right

    def ask(record: Record) -> Item:
        words = record.texts("words")
        ordered = first_is_right(words, record.index("odd", len(words)))
        prompt = f"{', '.join(words)}. Passar inte:"
        return Item(record.id, "", tuple(f" {word}" for word in ordered), context=prompt)

    return conversion.each(ask)
