"""Merge methods: a part of the way from the base to the mean, and rows of the embedding weighted by their use."""

from __future__ import annotations

from growmerge.lazily import lazily
from growmerge.merging.methods import Tensors, merge_method

with lazily():
    import torch


@merge_method(base="required", members=(2, None))
def halfway(tensors: Tensors, weight: list[float], pull: float = 0.5) -> torch.Tensor:
    """The base plus `pull` times the weighted mean of the members' differences to it."""
    shares = torch.tensor(weight) / sum(weight)
    return tensors.base + pull * torch.tensordot(shares, tensors.deltas.float(), 1)


@merge_method(statistics=["token_counts"])
def by_use(tensors: Tensors, prior: float = 1.0) -> torch.Tensor:
    """The mean; of the embedding, each row weighted by how often the languages' text has its token."""
    if not tensors.name.startswith(("model.embed_tokens.", "lm_head.")):
        return tensors.members.float().mean(0)
    counts = torch.stack(tensors.statistics["token_counts"]) + prior  # [n, vocabulary]
    shares = counts / counts.sum(0)
    return (shares[..., None] * tensors.members.float()).sum(0)
