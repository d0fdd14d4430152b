"""TIES (Yadav et al. 2023) and DARE (Yu et al. 2024): task vectors, made sparse, merged where their signs agree.

The definitions are mergekit's, sparsification is our own:

- TIES keeps the largest elements of a task vector. mergekit sorts it, which takes most of its time, and leaves the
  choice among elements of the same magnitude to the sort, whose order depends on the processor's instructions. Here
  the threshold is found by selection, and the first elements of its magnitude are kept.
- DARE keeps elements at random. mergekit draws from one stream, so that the masks depend on the order in which it
  visits tensors. Here they depend on the seed, the tensor and the member alone. Norms are summed the same way with
  any number of threads, and in float32 for any dtype.

Task arithmetic is the same without either.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from growmerge.merging.blocks import Workers
from growmerge.merging.operands import Operands, Write
from growmerge.merging.selection import NONE, largest, mask

SMALLEST_NORM = 1e-7  # mergekit's: a task vector whose L1 norm is smaller is not rescaled
# Of a part and the task vectors there, one a row: 1 for the elements that are kept, else 0, in float32.
Mask = Callable[[slice, Tensor], Tensor]


def task_arithmetic(operands: Operands, workers: Workers, write: Write) -> None:
    """Add up the task vectors."""
    normalize = operands.parameters.get("normalize", False)
    _merge(operands, workers, write, None, agree=False, normalize=normalize, rescale=False)


def ties(operands: Operands, workers: Workers, write: Write) -> None:
    """Trim each task vector to its largest elements, and average those that have the sign with more weight."""
    densities = _densities(operands)
    counts = [max(1, int(min(density, 1) * operands.size)) for density in densities]
    found = largest(lambda part: operands.task_vectors(part)[0], operands.size, counts, workers)
    kept = [chosen if density > 0 else NONE for chosen, density in zip(found, densities, strict=True)]

    def trim(part: slice, deltas: Tensor) -> Tensor:
        return mask(kept, deltas, part)

    normalize = operands.parameters.get("normalize", True)
    rescale = operands.parameters.get("rescale", False)
    _merge(operands, workers, write, trim, agree=True, normalize=normalize, rescale=rescale)


def dare_ties(operands: Operands, workers: Workers, write: Write) -> None:
    """Drop elements of each task vector at random, rescale it, and add up those that have the sign with more weight."""
    _dare(operands, workers, write, agree=True)


def dare_linear(operands: Operands, workers: Workers, write: Write) -> None:
    """Drop elements of each task vector at random, rescale it, and add them up."""
    _dare(operands, workers, write, agree=False)


def _dare(operands: Operands, workers: Workers, write: Write, *, agree: bool) -> None:
    keys = [operands.key(language) for language in operands.languages]
    densities = _densities(operands)

    def thin(part: slice, deltas: Tensor) -> Tensor:
        rows = [drawn(key, density, part) for key, density in zip(keys, densities, strict=True)]
        return torch.stack(rows).float().to(deltas.device)

    normalize = operands.parameters.get("normalize", False)
    rescale = operands.parameters.get("rescale", True)
    _merge(operands, workers, write, thin, agree=agree, normalize=normalize, rescale=rescale)


def _densities(operands: Operands) -> list[float]:
    densities: list[float] = operands.parameters.get("density", [1.0] * len(operands.members))
    return densities


def drawn(key: int, density: float, part: slice) -> Tensor:
    """1 with probability `density` (to 2^-16), else 0, for each element of `part`, which starts at a multiple of 4.

    Element i is made from the i-th 16-bit number of the PCG64DXSM stream of that key, which can be entered anywhere, so
    that any part can be drawn on its own.
    """
    count = part.stop - part.start
    if density >= 1:
        return torch.ones(count, dtype=torch.uint8)
    stream = np.random.PCG64DXSM(key).advance(part.start // 4)
    numbers = stream.random_raw((count + 3) // 4).view(np.uint16)[:count]
    chosen = numbers < np.uint16(min(round(max(density, 0.0) * 2**16), 2**16 - 1))
    return torch.from_numpy(chosen.view(np.uint8))


def _merge(
    operands: Operands,
    workers: Workers,
    write: Write,
    keep: Mask | None,
    *,
    agree: bool,
    normalize: bool,
    rescale: bool,
) -> None:
    """The base and the weighted sum (with `normalize`, mean) of the sparse task vectors.

    With `agree` only elements count whose sign is that of the weighted sum of all members' elements. The arithmetic and
    its order are those of mergekit's GeneralizedTaskArithmeticMerge, so that the bytes are; it is in float32, rounded
    wherever mergekit's result in the dtype of the merge is: the same, but faster.
    """
    scales = _scales(operands, workers, keep) if rescale and keep else None
    given = torch.tensor(operands.parameters["weight"]).unsqueeze(1)
    equal = bool((given == 1).all())
    factor = operands.parameters.get("lambda", 1.0)

    def merge_block(part: slice) -> None:
        vectors, base = operands.task_vectors(part)
        dtype = base.dtype
        kept = keep(part, vectors) if keep else None
        deltas = vectors.float()
        if kept is not None:
            deltas.mul_(kept)
        if scales is not None:
            deltas = deltas.mul_(scales.to(deltas.device)).to(dtype).float()
        weights = given.to(base).float()
        if not equal:
            deltas = deltas.mul_(weights).to(dtype).float()
        sign = _sign(deltas, dtype) if agree else None
        if sign is not None:
            deltas.mul_(sign).clamp_min_(0)  # what does not agree is negative now, and left out
        mixed = deltas.sum(dim=0)
        mixed = (mixed if sign is None else mixed.mul_(sign)).to(dtype)
        if normalize and sign is not None:
            counted = torch.gt(deltas, 0, out=deltas)
            divisor = (counted if equal else counted.mul_(weights)).sum(dim=0).to(dtype)
            mixed /= divisor.add_(torch.eq(divisor, 0, out=torch.empty_like(divisor)))
        elif normalize:
            divisor = weights.sum(dim=0).to(dtype)
            divisor[divisor.abs() < 1e-8] = 1
            mixed /= divisor
        if factor != 1:
            mixed *= factor
        write(part, mixed.add_(base))

    workers.blocks(operands.size, merge_block)


def _sign(deltas: Tensor, dtype: torch.dtype) -> Tensor:
    """The sign of each column's sum in `dtype`: 1 or -1, of no elements 1."""
    total = deltas.sum(dim=0).to(dtype).float()
    return torch.ge(total, 0, out=total).mul_(2).sub_(1)


def _scales(operands: Operands, workers: Workers, keep: Mask) -> Tensor:
    """By what each sparse task vector is multiplied to have the L1 norm that it had, one a row."""

    def norms(part: slice) -> list[list[float]]:
        deltas, _ = operands.task_vectors(part)
        kept = keep(part, deltas)
        sizes = deltas.float().abs_()
        before = [row.sum().item() for row in sizes]
        after = [row.sum().item() for row in sizes.mul_(kept)]
        return [before, after]

    before, after = torch.tensor(workers.blocks(operands.size, norms), dtype=torch.float64).sum(dim=0)
    few = torch.minimum(before, after) < SMALLEST_NORM
    return torch.where(few, 1.0, before / after).float().unsqueeze(1)
