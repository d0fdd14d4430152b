"""The largest absolute difference between the weights of two models."""

from __future__ import annotations

from collections.abc import Iterator

from growmerge.comparing.statistics import Measure, Models, Statistic, Value
from growmerge.lazily import lazily

with lazily():
    from growmerge.comparing import weights


def compute(models: Models) -> Iterator[Value]:
    """One value for every pair, over all weights."""
    checkpoints = weights.Checkpoints(list(models.members.values()), models.device)
    largest = dict.fromkeys(models.pairs, 0.0)
    for name in checkpoints.shapes:
        for block in checkpoints.blocks(name):  # a piece of this tensor of all models: fp64 [models, elements]
            of = dict(zip(models.members, block, strict=True))
            for first, second in models.pairs:
                difference = float((of[first] - of[second]).abs().max())
                largest[first, second] = max(largest[first, second], difference)
    for (first, second), value in largest.items():
        yield Value(first, second, "largest_difference", value)


STATISTIC = Statistic([Measure("largest_difference", label="Largest\ndifference")], compute)
