"""Regression mean (RegMean; Jin et al. 2023, "Dataless Knowledge Fusion by Merging Weights", arXiv 2212.09849)."""

from __future__ import annotations

from growmerge.lazily import lazily
from growmerge.merging.methods import Tensors, merge_method

with lazily():
    import torch

# Added to the diagonal of each Gram matrix, as a share of its mean: inputs that are always zero, or fewer tokens than
# inputs, would leave the sum of the matrices singular.
RIDGE = 1e-6


@merge_method(statistics=["grams"], ranges={"scale": (0.0, 1.0)})
def regmean(tensors: Tensors, scale: float = 0.9) -> torch.Tensor:
    """Merge each linear layer so that it answers its members' inputs as they do, in the sense of least squares.

    With weights W_l [out, in] and the Gram matrix G_l = X_l^T X_l [in, in] of the inputs X_l [tokens, in] of this layer
    in the expert of l on its own text, the merge

        W = (sum over l of W_l G_l) (sum over l of G_l)^-1

    minimises the sum over l of |X_l W^T - X_l W_l^T|^2. As in the paper, the elements of G_l off the diagonal are first
    multiplied by `scale`. Tensors that are not the weights of a linear layer (norms, the embedding) get the mean.
    With equal Gram matrices, the merge is the mean; a single member gives itself.

    Args:
        tensors: the statistic `grams` has G_l for the weights of linear layers, and None for others.
        scale: 1 is the exact solution. Less makes it more robust against a model's own correlations of inputs; 0 is a
            mean that is weighted by the size of the inputs.
    """
    grams = tensors.statistics["grams"]
    if any(gram is None for gram in grams):
        return tensors.members.float().mean(0)
    device = tensors.members.device
    total = torch.zeros(grams[0].shape, dtype=torch.float64, device=device)
    answers = torch.zeros(tensors.shape, dtype=torch.float64, device=device)
    for member, gram in zip(tensors.members, grams, strict=True):
        scaled = scale * gram.to(device, torch.float64)
        scaled.diagonal().copy_(gram.diagonal() + RIDGE * gram.diagonal().mean() + torch.finfo(torch.float32).tiny)
        total += scaled
        answers += member.double() @ scaled
    return torch.linalg.solve(total, answers, left=False)
