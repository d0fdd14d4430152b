"""Datasets that hold minimal pairs: a column for the right sentence, one for the wrong one.

BLiMP (Warstadt et al. 2020), MultiBLiMP (Jumelet et al. 2025), FoBLiMP, the Tartu L2 corpus, and what Glocker et al.
(2025) published.
"""

from __future__ import annotations

from collections.abc import Iterator

from growmerge.benchmarks.conversion import Conversion
from growmerge.benchmarks.items import Item
from growmerge.benchmarks.records import Drop, Record


def items(conversion: Conversion) -> Iterator[Item]:
    """A pair of each record."""
    return conversion.each(pair)


def pair(record: Record) -> Item:
    """The pair of a record, of `right` and `wrong`; its subset is `group/subset`, else the split it stands in."""
    right, wrong = record.text("right"), record.text("wrong")
    if right == wrong:
        raise Drop("right equals wrong")
    subset = "/".join(filter(None, [record.optional("group"), record.optional("subset")])) or record.subset
    return Item(record.id, subset, (right, wrong))
