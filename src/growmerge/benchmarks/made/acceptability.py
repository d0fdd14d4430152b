"""Acceptability: word order corrupted, for every language; inflection, for Icelandic (islenska) and Persian (hazm)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from growmerge.benchmarks.conversion import Conversion
from growmerge.benchmarks.items import Item
from growmerge.benchmarks.made.word_order import word_order_pairs


def items(conversion: Conversion) -> list[Item]:
    """At most `limit` pairs of each group of subsets, `word_order` and `morphology`, from held-out sentences."""
    documents, limit, seed = conversion.heldout.documents, conversion.limit, conversion.seed
    found = _in("word_order", word_order_pairs(documents, limit, seed))
    if conversion.language == "isl":
        from growmerge.benchmarks.made.icelandic import icelandic_pairs  # BÍN takes a moment to open

        found += _in("morphology", icelandic_pairs(documents, limit, seed))
    if conversion.language == "fas":
        from growmerge.benchmarks.made.persian import persian_pairs, read_hazm_verbs

        wheels = (wheel for folder in conversion.heldout.packages for wheel in sorted(folder.glob("hazm-*.whl")))
        for wheel in wheels:
            found += _in("morphology", persian_pairs(read_hazm_verbs(wheel), limit, seed))
    return found


def _in(group: str, pairs: Iterable[Item]) -> list[Item]:
    """The pairs with their group in id and subset: one sentence can serve both groups."""
    return [
        replace(pair, id=f"{group}:{pair.id}", subset=group if pair.subset == group else f"{group}/{pair.subset}")
        for pair in pairs
    ]
