"""TIES (Yadav et al. 2023) and DARE (Yu et al. 2024): task vectors, made sparse, merged where their signs agree.

The definitions are mergekit's, sparsification is our own:

- TIES keeps the largest elements of a task vector. mergekit sorts it, which takes most of its time, and leaves the
  choice among elements of the same magnitude to the sort, whose order depends on the processor's instructions. Here
  the threshold is found by selection, and the first elements of its magnitude are kept.
- DARE keeps elements at random. mergekit draws from one stream, so that the masks depend on the order in which it
  visits tensors. Here they depend on the seed, the tensor and the member alone. Norms are summed the same way with
  any number of threads, and in float32 for any dtype.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from torch import Tensor

from growmerge.merging.blocks import Workers
from growmerge.merging.operands import Operands
from growmerge.merging.selection import largest

SMALLEST_NORM = 1e-7  # mergekit's: a task vector whose L1 norm is smaller is not rescaled
# Of a member's index, a part, and its task vector there: 1 for the elements that are kept, else 0; none if all are.
Mask = Callable[[int, slice, Tensor], Tensor | None]


def ties(operands: Operands, workers: Workers) -> Tensor:
    """Trim each task vector to its largest elements, and average those that have the sign with more weight."""
    size = operands.members[0].numel()
    densities: list[float] = operands.parameters.get("density", [1.0] * len(operands.members))
    kept = [
        largest(partial(_task_vector, operands, i), size, max(1, int(density * size)), workers)
        if 0 < density < 1
        else None
        for i, density in enumerate(densities)
    ]

    def trim(i: int, part: slice, delta: Tensor) -> Tensor | None:
        chosen = kept[i]
        if chosen is None:
            return None if densities[i] >= 1 else torch.zeros_like(delta)
        return chosen.mask(delta, part)

    normalize = operands.parameters.get("normalize", True)
    rescale = operands.parameters.get("rescale", False)
    return _merge(operands, workers, trim, agree=True, normalize=normalize, rescale=rescale)


def dare_ties(operands: Operands, workers: Workers) -> Tensor:
    """Drop elements of each task vector at random, rescale it, and add up those that have the sign with more weight."""
    return _dare(operands, workers, agree=True)


def dare_linear(operands: Operands, workers: Workers) -> Tensor:
    """Drop elements of each task vector at random, rescale it, and add them up."""
    return _dare(operands, workers, agree=False)


def _dare(operands: Operands, workers: Workers, *, agree: bool) -> Tensor:
    keys = [operands.key(language) for language in operands.languages]
    densities: list[float] = operands.parameters.get("density", [1.0] * len(operands.members))

    def thin(i: int, part: slice, delta: Tensor) -> Tensor | None:
        return None if densities[i] >= 1 else drawn(keys[i], densities[i], part).to(delta.device)

    normalize = operands.parameters.get("normalize", False)
    rescale = operands.parameters.get("rescale", True)
    return _merge(operands, workers, thin, agree=agree, normalize=normalize, rescale=rescale)


def drawn(key: int, density: float, part: slice) -> Tensor:
    """1 with probability `density` (to 2^-32), else 0, for each element of `part`, which starts at an even index.

    Element i is made from the i-th 32-bit number of the PCG64DXSM stream of that key, which can be entered anywhere, so
    that any part can be drawn on its own.
    """
    count = part.stop - part.start
    stream = np.random.PCG64DXSM(key).advance(part.start // 2)
    numbers = stream.random_raw((count + 1) // 2).view(np.uint32)[:count]
    chosen = numbers < np.uint32(min(round(max(density, 0.0) * 2**32), 2**32 - 1))
    return torch.from_numpy(chosen.view(np.uint8)).float()


def _task_vector(operands: Operands, i: int, part: slice) -> Tensor:
    assert operands.base is not None
    return operands.members[i][part] - operands.base[part]


def _merge(
    operands: Operands,
    workers: Workers,
    keep: Mask,
    *,
    agree: bool,
    normalize: bool,
    rescale: bool,
) -> Tensor:
    """The base and the weighted sum (with `normalize`, mean) of the sparse task vectors.

    With `agree` only elements count whose sign is that of the weighted sum of all members' elements. The arithmetic and
    its order are those of mergekit's GeneralizedTaskArithmeticMerge, so that the bytes are.
    """
    base = operands.base
    assert base is not None
    dtype = base.dtype
    scales = _scales(operands, workers, keep) if rescale else [1.0] * len(operands.members)
    rounded = torch.tensor(operands.parameters["weight"], dtype=dtype, device=base.device).unsqueeze(1)
    weights = rounded.float()
    factor = operands.parameters.get("lambda", 1.0)
    result = torch.empty_like(base)

    def merge_block(part: slice) -> None:
        rows = torch.stack([_sparse(operands, i, part, keep, scale) for i, scale in enumerate(scales)])
        # From here in float32, rounded wherever mergekit's result in the dtype of the merge is: the same, but faster.
        deltas = rows.mul_(rounded).float()
        mask = _majority(deltas, dtype) if agree else torch.ones_like(weights)
        mixed = (deltas.mul_(mask) if agree else deltas).sum(dim=0).to(dtype)
        if normalize:
            divisor = (weights * mask).sum(dim=0).to(dtype)
            divisor[(divisor == 0) if agree else (divisor.abs() < 1e-8)] = 1
            mixed /= divisor
        if factor != 1:
            mixed *= factor
        result[part] = base[part] + mixed

    workers.blocks(base.numel(), merge_block)
    return result


def _majority(deltas: Tensor, dtype: torch.dtype) -> Tensor:
    """1 where an element has the sign of its column's sum (of no elements: plus), else 0; zeros have neither sign."""
    total = deltas.sum(dim=0).to(dtype).float()
    sign = torch.ge(total, 0, out=torch.empty_like(total)).mul_(2).sub_(1)
    product = deltas * sign
    return torch.gt(product, 0, out=product)


def _sparse(operands: Operands, i: int, part: slice, keep: Mask, scale: float) -> Tensor:
    delta = _task_vector(operands, i, part)
    mask = keep(i, part, delta)
    if mask is not None:
        delta *= mask.to(delta.dtype)
    return delta if scale == 1 else (delta.float() * scale).to(delta.dtype)


def _scales(operands: Operands, workers: Workers, keep: Mask) -> list[float]:
    """By what each sparse task vector is multiplied to have the L1 norm that it had."""

    def norms(part: slice) -> list[tuple[float, float]]:
        found = []
        for i in range(len(operands.members)):
            delta = _task_vector(operands, i, part)
            mask = keep(i, part, delta)
            size = delta.float().abs_()
            before = size.sum().item()
            found.append((before, before if mask is None else size.mul_(mask).sum().item()))
        return found

    parts = workers.blocks(operands.members[0].numel(), norms)
    scales = []
    for i in range(len(operands.members)):
        before, after = (math.fsum(part[i][which] for part in parts) for which in (0, 1))
        scales.append(before / after if min(before, after) >= SMALLEST_NORM else 1.0)
    return scales
