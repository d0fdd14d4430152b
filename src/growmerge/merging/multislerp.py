"""Multi-SLERP, as mergekit defines it, in passes over blocks instead of over whole tensors."""

from __future__ import annotations

import torch
from torch import Tensor

from growmerge.errors import GrowmergeError
from growmerge.merging.blocks import Workers
from growmerge.merging.operands import Operands


def multislerp(operands: Operands, workers: Workers) -> Tensor:
    """Interpolate on the sphere around the weighted mean of the members' directions (of differences to the base).

    Every operation, its order and its dtype are those of mergekit's `multislerp`, so that the bytes are; sums over a
    whole tensor are torch's, by one thread. Raises GrowmergeError for three or more members that cancel out.
    """
    base, parameters = operands.base, operands.parameters
    eps = parameters.get("eps", 1e-8)
    vectors = [member if base is None else member - base for member in operands.members]
    first = vectors[0]
    weights = torch.tensor(parameters["weight"], dtype=first.dtype, device=first.device)
    if parameters.get("normalize_weights", True):
        weights = weights / weights.sum()
    columns = weights.view(-1, 1)
    norms = torch.stack(workers.map(torch.norm, vectors)).view(-1, 1)
    lengths = norms + eps

    def units(part: slice) -> Tensor:
        return torch.stack([vector[part] for vector in vectors]).div_(lengths)

    mean = torch.empty_like(first)

    def average(part: slice) -> None:
        mean[part] = _sum(units(part).mul_(columns))

    workers.blocks(mean.numel(), average)
    mean_norm = torch.norm(mean)
    if mean_norm < eps:
        return _between_opposites(operands, vectors, weights)

    def normalise(part: slice) -> None:
        mean[part] /= mean_norm

    workers.blocks(mean.numel(), normalise)

    def cosine(i: int) -> Tensor:
        product = torch.empty_like(first)
        for part in workers.cut(first.numel()):
            torch.mul(vectors[i][part] / lengths[i], mean[part], out=product[part])
        return product.sum()

    cosines = torch.stack(workers.map(cosine, range(len(vectors)))).view(-1, 1)
    tangent = torch.empty_like(first)

    def project(part: slice) -> None:
        tangent[part] = _sum((units(part) - cosines * mean[part]).mul_(columns))

    workers.blocks(tangent.numel(), project)
    angle = torch.norm(tangent) + eps
    # Equal members leave nothing to move along, and in float16 eps is zero: there mergekit's result is not a number.
    along, across = torch.cos(angle), torch.sin(angle) / angle if angle > 0 else torch.ones_like(angle)
    length = (norms.squeeze(-1) * weights).sum()

    def move(part: slice) -> None:
        point = (mean[part] * along + tangent[part] * across) * length
        mean[part] = point if base is None else point + base[part]

    workers.blocks(mean.numel(), move)
    return mean


def _sum(rows: Tensor) -> Tensor:
    """`rows.sum(0)`, which torch accumulates in float32 anyway, but several times as fast."""
    return rows.float().sum(0).to(rows.dtype)


def _between_opposites(operands: Operands, vectors: list[Tensor], weights: Tensor) -> Tensor:
    """Two opposite members have no direction between them: like mergekit, on the straight line."""
    if len(vectors) != 2:
        raise GrowmergeError(
            f"multislerp: the members' tensors {operands.name} cancel out, so they have no mean direction; give the "
            "languages other `weights`"
        )
    result = vectors[0] * weights[0] + vectors[1] * weights[1]
    return result if operands.base is None else result + operands.base
