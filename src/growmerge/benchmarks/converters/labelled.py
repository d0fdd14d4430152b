"""Datasets of sentences that are labelled as correct or not: each incorrect one is aligned with a correct one.

DaLAJ-GED (Volodina et al. 2023) and the Icelandic questions about grammaticality (Ármannsson et al. 2025), as Glocker
et al. (2025, table 2) use them: the correct sentence at the smallest Levenshtein distance. How far is too far was not
published; a fifth of the characters keeps 96 % of DaLAJ's incorrect sentences, about as many as were published.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from growmerge.benchmarks.align import Nearest
from growmerge.benchmarks.items import Item
from growmerge.benchmarks.records import Drop, Record, Tally

# The classes of the hub's copy by number, and the labels of the original files.
_CORRECT = {"0": True, "1": False, "correct": True, "incorrect": False}


def aligned(records: Iterable[Record], tally: Tally, farthest: float) -> Iterator[Item]:
    """A pair for each incorrect sentence that has a correct one near it, in the same `group` where there are groups.

    "Near" is within `farthest` times the length of the longer one. Correct sentences are counted as "counterpart"; one
    can serve several incorrect ones.
    """
    groups: defaultdict[str, tuple[list[str], list[tuple[Record, str]]]] = defaultdict(lambda: ([], []))
    for record in records:
        tally.read += 1
        try:
            sentence = record.text("sentence")
            correct = _CORRECT.get(record.optional("label").lower())
            if correct is None:
                raise Drop("label out of range")
        except Drop as drop:
            tally.drop(str(drop), record.id)
            continue
        rights, wrongs = groups[record.optional("group")]
        if correct:
            rights.append(sentence)
            tally.outcomes["counterpart"] += 1
        else:
            wrongs.append((record, sentence))
    for rights, wrongs in groups.values():
        index = Nearest(rights)
        correct_too = set(rights)
        for record, sentence in wrongs:
            found = None if sentence in correct_too else index.nearest(sentence, farthest)
            if sentence in correct_too:
                tally.drop("labelled correct, too", record.id)
            elif found is None:
                tally.drop("no correct sentence near it", record.id)
            else:
                yield Item(record.id, record.optional("subset"), (found, sentence))
