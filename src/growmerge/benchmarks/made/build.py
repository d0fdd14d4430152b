"""The items of the three benchmarks that need no external dataset, in any language."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from growmerge.benchmarks.items import Item
from growmerge.data.documents import Document
from growmerge.errors import GrowmergeError

# Reference data that asks to be named; recorded with the items made from it.
ATTRIBUTION = {
    ("acceptability", "isl"): "Database of Icelandic Morphology (BÍN), The Árni Magnússon Institute for Icelandic "
    "Studies, author Kristín Bjarnadóttir; CC BY-SA 4.0; through the package islenska",
    ("facts", None): "Unicode Common Locale Data Repository (CLDR); Unicode License v3; through the package Babel",
}


def attribution(benchmark: str, language: str) -> str | None:
    """Whose data the items of a benchmark are made from, beside the held-out text and the packages."""
    return ATTRIBUTION.get((benchmark, language)) or ATTRIBUTION.get((benchmark, None))


def build_items(
    benchmark: str,
    language: str,
    documents: Sequence[Document],
    counterparts: Sequence[Document],
    packages: Sequence[Path],
    *,
    limit: int,
    seed: int,
    max_words: int | None = None,
    few_shot: int = 0,
    origin: str = "eng",
) -> list[Item]:
    """Items of `benchmark` in `language` from its held-out `documents`, their `counterparts` in the language `origin`
    and `packages`.

    acceptability: word order corrupted, for every language; inflection, for Icelandic (islenska) and Persian (hazm).
    parity: sentences that are there in English, too. heldout_translation: prompts for such sentences, each after
    `few_shot` examples. facts: territories' languages and currencies from CLDR. Raises GrowmergeError if nothing comes
    of it.
    """
    items: list[Item] = []
    if benchmark == "parity":
        from growmerge.benchmarks.made.parity import parity_items

        items = parity_items(_short(documents, max_words), _short(counterparts, max_words), limit)
    elif benchmark == "heldout_translation":
        from growmerge.benchmarks.made.translation import translation_items

        sides = _short(documents, max_words), _short(counterparts, max_words)
        items = translation_items(*sides, (origin, language), limit, few_shot)
    elif benchmark == "facts":
        from growmerge.benchmarks.made.facts import fact_pairs

        items = fact_pairs(language, limit, seed)
    else:
        items = _acceptability(language, documents, packages, limit, seed)
    if not items:
        raise GrowmergeError(
            f"benchmark {benchmark} in {language}: no item could be made of {len(documents)} held-out documents. "
            "Parity and translation need documents with the same ids in both languages; else raise `heldout` of the "
            "evaluation corpus, give it more text, or leave the language out of the benchmark's `languages`"
        )
    return items


def _short(documents: Sequence[Document], max_words: int | None) -> list[Document]:
    return [d for d in documents if max_words is None or len(d.text.split()) <= max_words]


def _acceptability(
    language: str, documents: Sequence[Document], packages: Sequence[Path], limit: int, seed: int
) -> list[Item]:
    from growmerge.benchmarks.made.word_order import word_order_pairs

    items = _in("word_order", word_order_pairs(documents, limit, seed))
    if language == "isl":
        from growmerge.benchmarks.made.icelandic import icelandic_pairs

        items += _in("morphology", icelandic_pairs(documents, limit, seed))
    if language == "fas":
        from growmerge.benchmarks.made.persian import persian_pairs, read_hazm_verbs

        for wheel in (wheel for folder in packages for wheel in sorted(folder.glob("hazm-*.whl"))):
            items += _in("morphology", persian_pairs(read_hazm_verbs(wheel), limit, seed))
    return items


def _in(group: str, items: Sequence[Item]) -> list[Item]:
    """The items with their group in id and subset: one sentence can serve both groups."""
    return [
        replace(item, id=f"{group}:{item.id}", subset=group if item.subset == group else f"{group}/{item.subset}")
        for item in items
    ]
