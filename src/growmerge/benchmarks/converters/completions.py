"""Global PIQA: which of two texts completes a prompt, each scored as its continuation.

As lm-evaluation-harness does it in `global_piqa_nonparallel_cloze`: the columns prompt, solution0, solution1 and label
(from 0), a space between prompt and solution, accuracy of the summed log-probabilities.
"""

from __future__ import annotations

from collections.abc import Iterator

from growmerge.benchmarks.conversion import Conversion
from growmerge.benchmarks.items import Item
from growmerge.benchmarks.records import Drop, Record, first_is_right


def items(conversion: Conversion) -> Iterator[Item]:
    """The prompt of each record, and its two completions."""
    return conversion.each(complete)


def complete(record: Record) -> Item:
    """The prompt of a record with `choice0` and `choice1`, of which `answer`, 0 or 1, is right."""
    choices = [record.text("choice0"), record.text("choice1")]
    if choices[0] == choices[1]:
        raise Drop("right equals wrong")
    ordered = first_is_right([f" {choice}" for choice in choices], record.index("answer", 2))
    return Item(record.id, record.subset, ordered, context=record.text("prompt"))
