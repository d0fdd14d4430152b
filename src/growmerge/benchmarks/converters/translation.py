"""Translation by generation, of the columns that information parity reads. FLORES-200 and FLORES+."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from growmerge.benchmarks.conversion import Conversion
from growmerge.benchmarks.items import Item
from growmerge.benchmarks.parallel import check_length, other_side, prompt, sentences
from growmerge.benchmarks.records import Drop, Record
from growmerge.catalogue.entry import TRANSLATION


def items(conversion: Conversion) -> Iterator[Item]:
    """A prompt of each record, from the sentence of the other side, with the record's own as the reference."""
    originals, max_words = conversion.counterpart, conversion.benchmark.max_words
    sides = ("fra" if conversion.language == "eng" else "eng", conversion.language)
    convert = asker(originals.records(), sides, max_words)
    convert_example = asker(conversion.examples(originals), sides, max_words)
    return conversion.each(convert, convert_example)


def asker(
    source: Iterable[Record], languages: tuple[str, str], max_words: int | None = None
) -> Callable[[Record], Item]:
    """A converter of records to prompts with the translation as their reference; `languages` as for `prompt`."""
    originals = sentences(source)

    def ask(record: Record) -> Item:
        text, original = record.text("text"), other_side(record, originals)
        if "\n" in text or "\n" in original:
            raise Drop("more than one line")
        check_length(max_words, text, original)
        return Item(f"sentence:{record.optional('id')}", TRANSLATION, (), text, context=prompt(original, languages))

    return ask
