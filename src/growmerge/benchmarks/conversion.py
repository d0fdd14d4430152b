"""What converters are called with: a benchmark in a language, where its rows or texts are, and what becomes of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from growmerge.benchmarks.few_shot import with_examples
from growmerge.benchmarks.items import Item
from growmerge.benchmarks.records import Record, RecordCounts
from growmerge.benchmarks.rows import Rows
from growmerge.catalogue.entry import Dataset, Entry
from growmerge.config.benchmarks import Benchmark
from growmerge.data.documents import Document
from growmerge.data.words import count_words


@dataclass(frozen=True)
class HeldOut:
    """What a benchmark that is made here is made from: held-out documents, and folders of packages.

    `counterparts` are the documents of the other side, of what compares or translates between two languages, and
    `origin` is their language.
    """

    documents: Sequence[Document] = ()
    counterparts: Sequence[Document] = ()
    packages: Sequence[Path] = ()
    origin: str = "eng"

    def short(self, max_words: int | None) -> tuple[list[Document], list[Document]]:
        """Documents and counterparts of at most so many words; None: all."""
        return _short(self.documents, max_words), _short(self.counterparts, max_words)


@dataclass(frozen=True)
class Conversion:
    """The making of a benchmark's items in a language; every converter is a function of one of these.

    `counts` is filled while records become items. `heldout` is empty for a benchmark that is read from a dataset.
    """

    benchmark: Benchmark
    language: str
    seed: int
    heldout: HeldOut = field(default_factory=HeldOut)
    counts: RecordCounts = field(default_factory=RecordCounts)

    @cached_property
    def entry(self) -> Entry:
        """What the registry says of the benchmark, and the study instead."""
        return self.benchmark.entry

    @property
    def limit(self) -> int:
        """The most items of a benchmark that is made here, which always has a limit."""
        return self.entry.limit or 0

    @property
    def name(self) -> str:
        """What messages call it."""
        return f"benchmark {self.benchmark.name} in {self.language}"

    @cached_property
    def dataset(self) -> Dataset:
        """Where the rows of the language are."""
        return self.benchmark.dataset(self.language)

    @cached_property
    def rows(self) -> Rows:
        """The rows of the language."""
        return Rows(self.dataset, self.entry.fields)

    @cached_property
    def counterpart(self) -> Rows:
        """The rows of the other side, of parallel text."""
        return Rows(self.benchmark.counterpart(self.language), self.entry.fields)

    def examples(self, rows: Rows) -> Iterator[Record]:
        """The records that few-shot examples are taken from: none, where the benchmark has no examples."""
        split = rows.dataset.examples
        return rows.records([split]) if self.entry.few_shot and split else iter(())

    def each(
        self, convert: Callable[[Record], Item], convert_example: Callable[[Record], Item] | None = None
    ) -> Iterator[Item]:
        """The items of the rows, each an item that `convert` makes, or raises Drop; before it the few-shot examples.

        Examples are converted in the same way, unless by `convert_example`.
        """
        items = self.counts.each(self.rows.records(), convert)
        pool = RecordCounts().each(self.examples(self.rows), convert_example or convert)
        return with_examples(items, pool, self.entry.few_shot, self.seed, f"{self.name}: few_shot")


def _short(documents: Sequence[Document], max_words: int | None) -> list[Document]:
    return [d for d in documents if max_words is None or count_words(d.text, numbers=True) <= max_words]
