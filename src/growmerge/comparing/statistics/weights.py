"""Norms, directions, signs and ranks of weights and language vectors: computed together, in one pass over all models.

`growmerge.comparing.vectors.compare_weights` defines each of them.
"""

from __future__ import annotations

from growmerge.comparing.statistics import Measure, Models, Statistic, Value
from growmerge.lazily import lazily

with lazily():
    from growmerge.comparing import vectors


def compute(models: Models) -> list[Value]:
    """The values over all weights, by layer, by kind of tensor, and by both."""
    return vectors.compare_weights(models.members, models.base, models.device)


STATISTIC = Statistic(
    [
        Measure("norm", of="model"),
        Measure("relative_norm", of="model"),
        Measure("stable_rank", of="model"),
        Measure("cosine", label="Cosine of lan-\nguage vectors"),
        # The figure has the weighted variant.
        Measure("sign_conflicts", label="Sign\nconflicts", drawn=False),
        Measure("weighted_sign_conflicts", label="Sign conflicts\nweighted"),
        Measure("weight_cosine", label="Cosine of\nweights"),
        Measure("l2_difference", label="L2\ndifference"),
        Measure("mean_l2_difference", label="Mean L2\ndifference", drawn=False),
        Measure("stable_rank_difference", label="Stable-rank\ndifference"),
    ],
    compute,
    place=1,
)
