"""The Gram matrix of the inputs of a linear layer: float32 [in, in], None for tensors that are not such weights.

It is the mean over tokens of x x^T, so that each language counts the same whatever the length of its text. The inputs
are those of the member on text of its own language.
"""

from __future__ import annotations

from pathlib import Path

from growmerge.catalogue.merge_registry import MemberStatistic
from growmerge.lazily import lazily

with lazily():
    import torch


def read(folder: Path, tensor: str) -> torch.Tensor | None:
    """The matrix for the weights of that name."""
    from growmerge.merging.grams import read_gram  # not while rules are parsed

    return read_gram(folder, tensor)


STATISTIC = MemberStatistic("grams/{model}", of_text=True, read=read)
