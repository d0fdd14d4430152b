"""The minimal pairs of a study's own benchmark of inflection, in a language."""

from __future__ import annotations

import heapq
import logging
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from growmerge.artifacts import publish
from growmerge.benchmarks.build import HeldOutShards
from growmerge.benchmarks.inflection.lexicon import Lexicon, UniMorph
from growmerge.benchmarks.inflection.pairs import Account, Rules, make_pairs
from growmerge.benchmarks.inflection.sample import sample
from growmerge.benchmarks.inflection.sentences import sentences
from growmerge.benchmarks.items import ITEMS, Item, write_items
from growmerge.catalogue.benchmarks import VERSION
from growmerge.config.benchmarks import ISLENSKA, Benchmark
from growmerge.config.corpora import HubSource, check_ids
from growmerge.data.documents import Document
from growmerge.data.files import read_files
from growmerge.data.hub import HubFiles
from growmerge.errors import GrowmergeError
from growmerge.hashing import unit_hash

logger = logging.getLogger(__name__)


def write_inflection(folder: Path, benchmark: Benchmark, language: str, *, text: HeldOutShards, seed: int) -> None:
    """Publish the pairs of a language in `folder`, beside them `sample.md`: some of each subset, to read.

    The sentences are those that `inflection.sentences` names, else the held-out `text`. Raises GrowmergeError for text
    that cannot be read, and as `build_inflection` does.
    """
    documents = _documents(benchmark, language, text)
    items, facts = build_inflection(benchmark, language, documents, seed=seed)
    config = {
        "benchmark": benchmark.part(language),
        "placeholder": text.placeholder,
        "seed": seed,
        "version": VERSION,
    }
    with publish(folder, inputs=text.folders, config=config) as draft:
        write_items(items, draft.folder / ITEMS)
        page = sample(items, f"{benchmark.name} in {language}", seed)
        (draft.folder / "sample.md").write_text(page, encoding="utf-8")
        draft.facts |= facts
        logger.info("%d of %d pairs from %d sentences", len(items), facts["pairs"], facts["sentences"])


def build_inflection(
    benchmark: Benchmark, language: str, documents: Iterable[Document], *, seed: int
) -> tuple[list[Item], dict[str, Any]]:
    """Pairs from the sentences of documents, and facts: sentences, words by outcome, pairs of each subset.

    Of more pairs than the limit a sample is kept, by the hash of seed and id; no more than that are held in memory.
    Raises GrowmergeError where the lexicon cannot be read, or nothing comes of it.
    """
    wanted = benchmark.inflection
    if wanted is None or language not in wanted.lexicons:
        raise GrowmergeError(f"benchmark {benchmark.name}: no lexicon in {language}; name one in `inflection.lexicons`")
    named = wanted.lexicons[language]
    rules = Rules(
        {pos: frozenset(names) for pos, names in wanted.dimensions.items()} or None,
        wanted.min_words,
        wanted.max_words,
        wanted.per_sentence,
    )
    account = Account()
    found = make_pairs(sentences(documents), _lexicon(named, language), rules, seed, account)
    items = heapq.nsmallest(
        benchmark.limit or sys.maxsize, found, key=lambda item: (unit_hash(item.id, f"sample:{seed}"), item.id)
    )
    if not items:
        raise GrowmergeError(
            f"benchmark {benchmark.name} in {language}: no pair from {account.sentences} sentences and {named} "
            f"({dict(account.words)}); check that text and lexicon are of one language and spelling, or allow more in "
            "`inflection.dimensions`"
        )
    facts = {
        "licence": benchmark.entry.licence,
        "sentences": account.sentences,
        "repeated": account.repeated,
        "words": {"read": account.words.total(), **dict(sorted(account.words.items()))},
        "pairs": account.pairs,
        "kept": len(items),
        "subsets": dict(sorted(Counter(item.subset for item in items).items())),
        "seed": seed,
    }
    return items, facts


def _documents(benchmark: Benchmark, language: str, text: HeldOutShards) -> Iterable[Document]:
    named = benchmark.inflection.sentences.get(language) if benchmark.inflection else None
    if named is None:
        return text.documents()
    if isinstance(named, HubSource):
        hub = HubFiles(named)
        return hub.read_documents(hub.numbers)
    check_ids([named])
    return read_files(named.files(), named.text_field, named.id_field, named.id_prefix, named.lines)


def _lexicon(named: str, language: str) -> Lexicon:
    if named != ISLENSKA:
        return UniMorph(Path(named))
    if language != "isl":
        raise GrowmergeError(f"inflection.lexicons.{language} = '{ISLENSKA}': holds Icelandic; name a file")
    from growmerge.benchmarks.made.icelandic import BinLexicon  # BÍN takes a moment to open

    return BinLexicon()
