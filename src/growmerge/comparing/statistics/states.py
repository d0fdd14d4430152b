"""CKA of hidden states over the same English sentences, in three variants: see `growmerge.comparing.states`."""

from __future__ import annotations

from growmerge.comparing.statistics import Measure, Models, Statistic, Value
from growmerge.lazily import lazily

with lazily():
    from growmerge.comparing import states


def compute(models: Models) -> list[Value]:
    """The values by layer, and their means over layers."""
    return states.compare_states(models.members, models.english, models.work, models.device)


STATISTIC = Statistic(
    [
        Measure("cka", label="CKA"),
        # The figure has the standardised variant, which leaves the first token out, too.
        Measure("cka_without_first", label="CKA without\nfirst token", drawn=False),
        Measure("cka_standardised", label="CKA\nstandardised"),
    ],
    compute,
    place=0,
)
