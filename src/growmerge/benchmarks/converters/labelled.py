"""Datasets of sentences that are labelled as correct or not: each incorrect one is aligned with a correct one.

DaLAJ-GED (Volodina et al. 2023) and the Icelandic questions about grammaticality (Ármannsson et al. 2025), as Glocker
et al. (2025, table 2) use them: the correct sentence at the smallest Levenshtein distance. How far is too far was not
published; a fifth of the characters keeps 96 % of DaLAJ's incorrect sentences, about as many as were published.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from growmerge.benchmarks.align import Nearest
from growmerge.benchmarks.conversion import Conversion
from growmerge.benchmarks.items import Item
from growmerge.benchmarks.records import Drop, Record

# The classes of the hub's copy by number, and the labels of the original files.
_CORRECT = {"0": True, "1": False, "correct": True, "incorrect": False}


def items(conversion: Conversion) -> Iterator[Item]:
    """The pairs of records with `sentence` and `label`."""
    return aligned(conversion, conversion.rows.records())


def aligned(conversion: Conversion, records: Iterable[Record]) -> Iterator[Item]:
    """A pair for each incorrect sentence that has a correct one near it, in the same `group` where there are groups.

    "Near" is within the entry's `farthest` times the length of the longer one. Correct sentences are counted as
    "counterpart"; one can serve several incorrect ones.
    """
    counts = conversion.counts
    groups: defaultdict[str, tuple[list[str], list[tuple[Record, str]]]] = defaultdict(lambda: ([], []))
    for record in records:
        counts.read += 1
        try:
            sentence = record.text("sentence")
            correct = _CORRECT.get(record.optional("label").lower())
            if correct is None:
                raise Drop("label out of range")
        except Drop as drop:
            counts.drop(str(drop), record.id)
            continue
        rights, wrongs = groups[record.optional("group")]
        if correct:
            rights.append(sentence)
            counts.outcomes["counterpart"] += 1
        else:
            wrongs.append((record, sentence))
    for rights, wrongs in groups.values():
        index = Nearest(rights)
        correct_too = set(rights)
        for record, sentence in wrongs:
            found = None if sentence in correct_too else index.nearest(sentence, conversion.entry.farthest)
            if sentence in correct_too:
                counts.drop("labelled correct, too", record.id)
            elif found is None:
                counts.drop("no correct sentence near it", record.id)
            else:
                yield Item(record.id, record.optional("subset"), (found, sentence))
