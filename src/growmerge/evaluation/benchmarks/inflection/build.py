"""The minimal pairs of a study's own benchmark of inflection, in a language."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from growmerge.config.benchmarks import Benchmark
from growmerge.data.documents import Document
from growmerge.errors import GrowmergeError
from growmerge.evaluation.benchmarks.inflection.lexicon import UniMorph
from growmerge.evaluation.benchmarks.inflection.pairs import Account, Rules, make_pairs
from growmerge.evaluation.benchmarks.inflection.sentences import sentences
from growmerge.evaluation.builders.choose import in_hash_order
from growmerge.evaluation.items import Item


def build_inflection(
    benchmark: Benchmark, language: str, documents: Iterable[Document], *, seed: int
) -> tuple[list[Item], dict[str, Any]]:
    """Pairs from the sentences of documents, and facts: sentences, words by outcome, pairs of each subset.

    Of more pairs than the limit a sample is kept, by the hash of seed and id. Raises GrowmergeError where the lexicon
    cannot be read, or nothing comes of it.
    """
    wanted = benchmark.inflection
    if wanted is None or language not in wanted.lexicons:
        raise GrowmergeError(f"benchmark {benchmark.name}: no lexicon in {language}; name one in `inflection.lexicons`")
    path = Path(wanted.lexicons[language])
    rules = Rules(
        {pos: frozenset(names) for pos, names in wanted.dimensions.items()} or None,
        wanted.min_words,
        wanted.max_words,
        wanted.per_sentence,
    )
    account = Account()
    found = list(make_pairs(sentences(documents), UniMorph(path), rules, seed, account))
    if not found:
        raise GrowmergeError(
            f"benchmark {benchmark.name} in {language}: no pair from {account.sentences} sentences and {path} "
            f"({dict(account.words)}); check that text and lexicon are of one language and spelling, or allow more in "
            "`inflection.dimensions`"
        )
    items = in_hash_order(found, lambda item: item.id, f"sample:{seed}")[: benchmark.limit]
    facts = {
        "sentences": account.sentences,
        "words": {"read": account.words.total(), **dict(sorted(account.words.items()))},
        "pairs": len(found),
        "kept": len(items),
        "subsets": dict(sorted(Counter(item.subset for item in items).items())),
        "seed": seed,
    }
    return items, facts
