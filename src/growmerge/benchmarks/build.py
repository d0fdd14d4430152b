"""The items of a benchmark in a language, and an account of how they came about."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from growmerge.artifacts import publish, verify
from growmerge.benchmarks.conversion import Conversion, HeldOut
from growmerge.benchmarks.converters import find_converter
from growmerge.benchmarks.items import ITEMS, Item, with_leading_space, write_items
from growmerge.benchmarks.made.running_text import of_half, text_items
from growmerge.benchmarks.pieces import document_of
from growmerge.benchmarks.records import RecordCounts
from growmerge.catalogue.benchmarks import VERSION
from growmerge.config.benchmarks import Benchmark
from growmerge.data.documents import Document
from growmerge.data.split import evaluation_documents, read_heldout
from growmerge.errors import GrowmergeError
from growmerge.hashing import in_hash_order

logger = logging.getLogger(__name__)
FEWEST_TEXTS = 20  # of a language, to tune merges on: fewer do not represent it


@dataclass(frozen=True)
class Built:
    """Items, and facts about them: records `read`, `kept` and `dropped` by reason (their sum), source, seed."""

    items: list[Item]
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class HeldOutShards:
    """The shards of a corpus, of which the held-out documents are read; those with a filled-in placeholder are not."""

    folders: Sequence[Path] = ()
    placeholder: str | None = None

    def documents(self) -> list[Document]:
        """The held-out documents. Raises GrowmergeError for a file that differs from its manifest."""
        return evaluation_documents(read_heldout(self.folders), self.placeholder)


def write_benchmark(
    folder: Path,
    benchmark: Benchmark,
    language: str,
    *,
    text: HeldOutShards,
    counterparts: HeldOutShards,
    origin: str,
    packages: Sequence[Path],
    seed: int,
) -> None:
    """Publish the items of a benchmark in a language in `folder`.

    `text` and `packages` are what a benchmark that is made here is made from, `counterparts` the same text in the
    language `origin`. Raises GrowmergeError for inputs that differ from their manifests, and as `build_benchmark` does.
    """
    for package in packages:
        verify(package)
    heldout = HeldOut(text.documents(), counterparts.documents(), packages, origin)
    built = build_benchmark(benchmark, language, seed=seed, heldout=heldout)
    inputs = list(dict.fromkeys([*text.folders, *counterparts.folders, *packages]))
    config = {
        "benchmark": benchmark.part(language),
        "placeholder": text.placeholder,
        "origin": origin,
        "origin_placeholder": counterparts.placeholder,
        "seed": seed,
        "version": VERSION,
    }
    with publish(folder, inputs=inputs, config=config) as draft:
        write_items(built.items, draft.folder / ITEMS)
        draft.facts |= built.facts
        logger.info("%d items; the first: %s", len(built.items), built.items[0])


def write_tuning_text(folder: Path, text: HeldOutShards, limit: int, piece_bytes: int) -> None:
    """Publish the tuning half of held-out text as items in `folder`: merges may be fitted to it.

    Bits per byte are measured on the other half. See `growmerge.benchmarks.made.running_text.text_items`. Raises
    GrowmergeError for fewer items than FEWEST_TEXTS.
    """
    half = of_half(text.documents(), "tuning")
    items = text_items(half, "tuning", limit, piece_bytes)
    if len(items) < FEWEST_TEXTS:
        advice = "raise `heldout` of the corpus, or give it more text"
        if len(half) > limit:
            advice = f"raise `limit` of the benchmark of bits per byte ({limit}; there are {len(half)} documents)"
        raise GrowmergeError(
            f"{', '.join(map(str, text.folders))}: {len(items)} held-out texts to tune merges on, fewer than "
            f"{FEWEST_TEXTS}; {advice}"
        )
    config = {"limit": limit, "piece_bytes": piece_bytes, "placeholder": text.placeholder, "version": VERSION}
    with publish(folder, inputs=text.folders, config=config) as draft:
        write_items(items, draft.folder / ITEMS)
        draft.facts |= {"pieces": len(items), "documents": len({document_of(item.id) for item in items})}


def build_benchmark(benchmark: Benchmark, language: str, *, seed: int, heldout: HeldOut | None = None) -> Built:
    """The items of a benchmark in a language, by the converter that its entry names.

    Raises GrowmergeError where there is nothing to read, a column is missing, or no item is left.
    """
    conversion = Conversion(benchmark, language, seed, heldout or HeldOut())
    built = _made(conversion) if conversion.entry.languages is None else _read(conversion)
    return replace(built, items=list(map(with_leading_space, built.items))) if benchmark.leading_space else built


def _made(conversion: Conversion) -> Built:
    """What is made from held-out text and packages."""
    entry = conversion.entry
    items = list(find_converter(entry.converter)(conversion))
    if not items:
        raise GrowmergeError(
            f"{conversion.name}: no item could be made of {len(conversion.heldout.documents)} held-out documents. "
            "Parity and translation need documents with the same ids in both languages; else raise `heldout` of the "
            "evaluation corpus, give it more text, or leave the language out of the benchmark's `languages`"
        )
    attribution = entry.attribution.get(conversion.language) or entry.attribution.get(None)
    facts = {"kept": len(items), "licence": entry.licence, "attribution": attribution}
    return Built(items, facts | ({"few_shot": entry.few_shot} if entry.few_shot else {}))


def _read(conversion: Conversion) -> Built:
    """What is read from a dataset.

    A record that makes no item is dropped and counted, by reason; of records with the same id all but the first are.
    Of more items than the limit a sample is kept, by the hash of seed and id, in the order of the dataset. Where the
    papers print a number of items and this is another, a warning says so.
    """
    entry, dataset, counts = conversion.entry, conversion.dataset, conversion.counts
    if dataset.id is None:
        raise GrowmergeError(
            f"{conversion.name}: has no public source; give a folder or file as `sources.{conversion.language}.dataset`"
        )
    items = list(_distinct(find_converter(entry.converter)(conversion), counts))
    if not items:
        raise GrowmergeError(
            f"{conversion.name}: none of {counts.read} records of '{dataset.id}' made an item "
            f"({_listed(counts.outcomes)}); check `fields` and `sources`"
        )
    published = entry.counts.get(conversion.language)
    if published not in (None, len(items)):
        name, language = conversion.benchmark.name, conversion.language
        logger.warning("%s in %s: %d items, the paper prints %d", name, language, len(items), published)
    commits = sorted(conversion.rows.revisions)
    if commits and dataset.revision is None:
        logger.warning("%s: no revision is pinned; read was %s", dataset.id, ", ".join(commits))
    facts = {
        "source": {"dataset": dataset.id, "revision": dataset.revision, "commits": commits},
        "licence": entry.licence,
        "few_shot": entry.few_shot,
        "published": published,
        "converted": len(items),
        "seed": conversion.seed,
    }
    items = _sampled(items, entry.limit, conversion.seed, counts)
    facts |= {"read": counts.read, "kept": len(items), "dropped": dict(sorted(counts.outcomes.items()))}
    return Built(items, facts)


def _distinct(items: Iterable[Item], counts: RecordCounts) -> Iterator[Item]:
    seen: set[str] = set()
    for item in items:
        if item.id in seen:
            counts.drop("duplicate id", item.id)
        else:
            seen.add(item.id)
            yield item


def _sampled(items: list[Item], limit: int | None, seed: int, counts: RecordCounts) -> list[Item]:
    if limit is None or len(items) <= limit:
        return items
    chosen = {item.id for item in in_hash_order(items, lambda item: item.id, f"sample:{seed}")[:limit]}
    counts.outcomes["not sampled"] = len(items) - limit
    return [item for item in items if item.id in chosen]


def _listed(outcomes: Counter[str]) -> str:
    return ", ".join(f"{reason}: {count}" for reason, count in outcomes.most_common()) or "there were none"
