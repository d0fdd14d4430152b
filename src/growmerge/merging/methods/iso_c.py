"""Isotropic merging in the common subspace (Iso-C; Marczak et al. 2025, "No Task Left Behind", arXiv 2502.04959)."""

from __future__ import annotations

import math

from growmerge.lazily import lazily
from growmerge.merging.methods import Tensors, merge_method

with lazily():
    import torch


@merge_method(base="required", ranges={"scale": (0.0, math.inf)})
def iso_c(tensors: Tensors, scale: float = 1.0) -> torch.Tensor:
    """Merge matrices by the directions of the summed task vectors alone, all of the same strength: [*shape].

    Of a matrix with the task vectors d_l = expert_l - base of n members and the singular value decomposition

        sum over l of d_l = U diag(s) V^T,    s [r],

    the merge is base + scale mean(s) U V^T. A few strong directions, often those of one language, then no longer drown
    the others. All other tensors (norms) get base + the mean of d_l, as in the paper.

    Args:
        tensors: matrices [out, in], or tensors of other ranks.
        scale: the paper tunes it on held-out data. 1 keeps the nuclear norm of the sum; 1 / n that of the mean.
    """
    assert tensors.base is not None
    deltas = tensors.members.float() - tensors.base.float()
    if len(tensors.shape) != 2:
        return tensors.base.float() + deltas.mean(0)
    u, s, v = torch.linalg.svd(deltas.sum(0), full_matrices=False)
    return tensors.base.float() + scale * s.mean() * (u @ v)
