"""Coefficients for each tensor and language, fitted to the held-out text that bits per byte does not score.

The merged tensor t is base_t + sum over languages l of c[t, l] (expert_l - base)_t. How c is fitted is in
`growmerge.merging.tuning`; the rule tune_coefficients does it, and the merge itself only adds up.
"""

from __future__ import annotations

import math

from growmerge.lazily import lazily
from growmerge.merging.methods import Tensors, merge_method

with lazily():
    import torch


@merge_method(
    base="required",
    statistics=("coefficients",),
    ranges={"steps": (0, math.inf), "learning_rate": (0, math.inf), "texts": (1, math.inf)},
)
def tuned(tensors: Tensors, steps: int = 60, learning_rate: float = 0.05, texts: int = 16) -> torch.Tensor:
    """The base and the weighted task vectors, summed in fp32: [*shape].

    The parameters say how the coefficients are fitted: `steps` of Adam from `learning_rate` on, each on so many `texts`
    of every language.
    """
    assert tensors.base is not None
    merged = tensors.base.float()
    for code, member, of_tensor in zip(
        tensors.languages, tensors.members, tensors.statistics["coefficients"], strict=True
    ):
        merged = merged + of_tensor[code] * (member.float() - tensors.base.float())
    return merged
