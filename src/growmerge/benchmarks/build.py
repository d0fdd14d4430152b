"""The items of a benchmark in a language, and an account of how they came about."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from growmerge.benchmarks.converters import (
    exam,
    hellaswag,
    judgements,
    labelled,
    mpararel,
    pairs,
    parallel,
    questions,
)
from growmerge.benchmarks.few_shot import with_examples
from growmerge.benchmarks.items import Item
from growmerge.benchmarks.made.build import attribution, build_items
from growmerge.benchmarks.records import Record, Tally
from growmerge.benchmarks.sources import Source
from growmerge.catalogue.entry import Dataset
from growmerge.config.benchmarks import Benchmark
from growmerge.data.documents import Document
from growmerge.errors import GrowmergeError
from growmerge.hashing import in_hash_order

logger = logging.getLogger(__name__)


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


@dataclass(frozen=True)
class Built:
    """Items, and facts about them: records `read`, `kept` and `dropped` by reason (their sum), source, seed."""

    items: list[Item]
    facts: dict[str, Any] = field(default_factory=dict)


def build_benchmark(benchmark: Benchmark, language: str, *, seed: int, heldout: HeldOut | None = None) -> Built:
    """The items of a benchmark in a language.

    A record that makes no item is dropped and counted, by reason; of records with the same id all but the first are.
    Of more items than the limit a sample is kept, by the hash of seed and id, in the order of the dataset. Where the
    papers print a number of items and this is another, a warning says so.

    Raises GrowmergeError where there is nothing to read, a column is missing, or no item is left.
    """
    entry = benchmark.entry
    if entry.converter == "built":
        made = heldout or HeldOut()
        name = benchmark.use or benchmark.name
        items = build_items(
            name,
            language,
            made.documents,
            made.counterparts,
            made.packages,
            limit=entry.limit or 0,
            seed=seed,
            max_words=benchmark.max_words,
            few_shot=entry.few_shot,
            origin=made.origin,
        )
        facts: dict[str, Any] = {
            "kept": len(items),
            "licence": entry.licence,
            "attribution": attribution(name, language),
        }
        return Built(items, facts | ({"few_shot": entry.few_shot} if entry.few_shot else {}))

    tally = Tally()
    dataset = benchmark.dataset(language)
    if dataset.id is None:
        raise GrowmergeError(
            f"benchmark {benchmark.name} in {language}: has no public source; give a folder or file as "
            f"`sources.{language}.dataset`"
        )
    if entry.converter == "mpararel":
        found = mpararel.facts(Path(dataset.id), str(dataset.configs[0]), seed, tally)
        revisions: set[str] = set()
    else:
        source = Source(dataset, entry.fields)
        found = _items(benchmark, language, source, seed, tally)
        revisions = source.revisions
    items = list(_distinct(found, tally))
    if not items:
        raise GrowmergeError(
            f"benchmark {benchmark.name} in {language}: none of {tally.read} records of '{dataset.id}' made an item "
            f"({_listed(tally.outcomes)}); check `fields` and `sources`"
        )
    published = entry.counts.get(language)
    if published not in (None, len(items)):
        logger.warning("%s in %s: %d items, the paper prints %d", benchmark.name, language, len(items), published)
    if revisions and dataset.revision is None:
        logger.warning("%s: no revision is pinned; read was %s", dataset.id, ", ".join(sorted(revisions)))
    facts = {
        "source": {"dataset": dataset.id, "revision": dataset.revision, "commits": sorted(revisions)},
        "licence": entry.licence,
        "few_shot": entry.few_shot,
        "published": published,
        "converted": len(items),
        "seed": seed,
    }
    items = _sampled(items, entry.limit, seed, tally)
    facts |= {"read": tally.read, "kept": len(items), "dropped": dict(sorted(tally.outcomes.items()))}
    return Built(items, facts)


def _items(benchmark: Benchmark, language: str, source: Source, seed: int, tally: Tally) -> Iterator[Item]:
    """The items of records, by the converter that the registry names."""
    entry = benchmark.entry
    convert: Callable[[Record], Item]
    match entry.converter:
        case "labelled":
            return labelled.aligned(source.records(), tally, entry.farthest)
        case "judgements":
            return labelled.aligned(judgements.as_labelled(source.records(), tally), tally, entry.farthest)
        case "pairs":
            convert = pairs.pair
        case "exam":
            convert = exam.filler(benchmark.gap or exam.GAP)
        case "questions":
            convert = questions.asker(language)
        case "hellaswag":
            convert = hellaswag.ender(language)
        case "parity":
            english = Source(benchmark.counterpart(language), entry.fields)
            convert = parallel.parity(english.records(), benchmark.max_words)
        case "translation":
            return _translations(benchmark, language, source, seed, tally)
        case unknown:
            raise ValueError(f"the registry names the converter {unknown!r}, which there is not")
    items = tally.each(source.records(), convert)
    examples = _examples(source, source.dataset, entry.few_shot)
    pool = Tally().each(examples, convert)
    return with_examples(items, pool, entry.few_shot, seed, f"benchmark {benchmark.name} in {language}: few_shot")


def _translations(benchmark: Benchmark, language: str, source: Source, seed: int, tally: Tally) -> Iterator[Item]:
    entry = benchmark.entry
    original = Source(benchmark.counterpart(language), entry.fields)
    origin = "fra" if language == "eng" else "eng"
    sides = (origin, language)
    items = tally.each(source.records(), parallel.translation(original.records(), sides, benchmark.max_words))
    pool: Iterator[Item] = iter(())
    if entry.few_shot:
        examples = _examples(original, original.dataset, entry.few_shot)
        convert = parallel.translation(examples, sides, benchmark.max_words)
        pool = Tally().each(_examples(source, source.dataset, entry.few_shot), convert)
    return with_examples(items, pool, entry.few_shot, seed, f"benchmark {benchmark.name} in {language}: few_shot")


def _examples(source: Source, dataset: Dataset, count: int) -> Iterator[Record]:
    return source.records([dataset.examples]) if count and dataset.examples else iter(())


def _distinct(items: Iterable[Item], tally: Tally) -> Iterator[Item]:
    seen: set[str] = set()
    for item in items:
        if item.id in seen:
            tally.drop("duplicate id", item.id)
        else:
            seen.add(item.id)
            yield item


def _sampled(items: list[Item], limit: int | None, seed: int, tally: Tally) -> list[Item]:
    if limit is None or len(items) <= limit:
        return items
    chosen = {item.id for item in in_hash_order(items, lambda item: item.id, f"sample:{seed}")[:limit]}
    tally.outcomes["not sampled"] = len(items) - limit
    return [item for item in items if item.id in chosen]


def _listed(outcomes: Counter[str]) -> str:
    return ", ".join(f"{reason}: {count}" for reason, count in outcomes.most_common()) or "there were none"
