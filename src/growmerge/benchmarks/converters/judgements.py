"""Questions whether a sentence is grammatical, as labelled sentences that are then aligned.

The Icelandic benchmark of Ármannsson et al. (2025), of which Glocker et al. (2025, table 2) use the questions about
grammaticality: `{"id": "islands_inv_1d", "input": "Is the following Icelandic sentence grammatically incorrect in
Icelandic? ...", "answer": "Yes"}`. Each sentence stands there twice, the other time with the question turned round.
Sentences whose ids differ in the last letter are variants of one another; how they were paired was not published.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from growmerge.benchmarks.conversion import Conversion
from growmerge.benchmarks.converters.labelled import aligned
from growmerge.benchmarks.items import Item
from growmerge.benchmarks.records import Record, RecordCounts

_QUESTION = re.compile(
    r"Is the following Icelandic sentence grammatically (?P<word>correct|incorrect) in Icelandic\?\s*\n\s*"
    r"(?P<sentence>[^\n]*\S)\s*\n"
)
_VARIANT = re.compile(r"(?P<category>.+?)_?(?P<number>\d+)[a-z]?")
_ANSWERS = {"yes": True, "no": False}


def items(conversion: Conversion) -> Iterator[Item]:
    """The pairs of records with `id`, `input` and `answer`."""
    return aligned(conversion, as_labelled(conversion.rows.records(), conversion.counts))


def as_labelled(records: Iterable[Record], counts: RecordCounts) -> Iterator[Record]:
    """Records with `sentence`, `label`, `group` and `subset`, of records with `id`, `input` and `answer`.

    What asks something else, and a sentence of the group that was there before, are read and dropped here.
    """
    seen: set[tuple[str, str]] = set()
    for record in records:
        found = _QUESTION.match(record.optional("input"))
        category, group = _variant(record.optional("id"))
        reason = (
            "no question about a sentence" if found is None
            else "asked before" if (group, found["sentence"]) in seen
            else None
        )  # fmt: skip
        if found is None or reason:
            counts.read += 1
            counts.drop(str(reason), record.id)
            continue
        seen.add((group, found["sentence"]))
        values: dict[str, Any] = {"sentence": found["sentence"], "group": group, "subset": category}
        answer = _ANSWERS.get(record.optional("answer").lower())
        if answer is not None:  # else there is no label, which the alignment counts
            values["label"] = "correct" if answer == (found["word"] == "correct") else "incorrect"
        yield Record(record.id, values)


def _variant(identifier: str) -> tuple[str, str]:
    """Category and group of an id: of islands_inv_1d they are islands and islands_1."""
    found = _VARIANT.fullmatch(identifier.replace("_inv", ""))
    return (found["category"], f"{found['category']}_{found['number']}") if found else ("", identifier)
