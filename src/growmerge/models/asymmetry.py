"""How far the duplicated blocks of a HyperCloned model have moved apart."""

import torch
from torch import nn
from transformers import LlamaForCausalLM

from growmerge.errors import GrowmergeError


@torch.no_grad()
def block_asymmetry(model: LlamaForCausalLM, factor: int) -> float:
    """Return the relative distance of the linear weights from block symmetry, averaged over the weights of all layers.

    A weight [factor*out, factor*in] is cut into factor x factor blocks [out, in]. With B their mean, the weight's
    asymmetry is sqrt(sum over blocks of ||block - B||^2 / (factor^2 ||B||^2)), in the Frobenius norm.

    B is the best symmetric weight, and alone decides what the layer does on a repeated input; so the number says how
    large the part of the weight is that a model of the source's width cannot hold, relative to the part that it can. It
    is exactly 0.0 for a clone without noise, and 10^(-snr_db/20) (0.32 at 10 dB) for an even factor with noise. A mean
    of ratios, so that no layer counts more for its scale. Embedding and head repeat in one direction only and are left
    out. One pass over the weights and one transfer from the device: cheaper than a training step.

    Raises GrowmergeError when a weight cannot be cut into `factor` x `factor` equal blocks.
    """
    if factor < 1:
        raise GrowmergeError(f"Block asymmetry with factor {factor}: it must be a whole number of at least 1.")
    ratios = []
    for name, module in model.model.named_modules():
        if not isinstance(module, nn.Linear):
            continue
        weight = module.weight
        if weight.shape[0] % factor or weight.shape[1] % factor:
            raise GrowmergeError(
                f"Weight {name} of shape {list(weight.shape)} has no {factor} x {factor} equal blocks."
            )
        blocks = weight.float().unflatten(1, (factor, -1)).unflatten(0, (factor, -1)).transpose(1, 2)  # [f, f, out, in]
        # As distances from the first block: the mean of equal numbers can be rounded, their difference is exactly zero.
        shift = blocks - blocks[0, 0]
        mean_shift = shift.mean(dim=(0, 1))
        distance = (shift - mean_shift).norm()
        size = factor * (blocks[0, 0] + mean_shift).norm()
        ratios.append(torch.where(distance == 0, 0.0, distance / size))
    return torch.stack(ratios).mean().item()
