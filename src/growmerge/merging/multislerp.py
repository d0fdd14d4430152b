"""Multi-SLERP, as mergekit defines it, in passes over blocks instead of over whole tensors."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from growmerge.errors import GrowmergeError
from growmerge.merging.blocks import Workers
from growmerge.merging.operands import Operands, Write
from growmerge.merging.selection import Rows


def multislerp(operands: Operands, workers: Workers, write: Write) -> None:
    """Interpolate on the sphere around the weighted mean of the members' directions (of differences to the base).

    Every operation, its order and its dtype are those of mergekit's `multislerp`, so that the bytes are; sums over a
    whole tensor are torch's, by one thread. There is one exception: if members are parallel, or nearly so, mergekit
    divides zero by zero in float16 and writes NaN, while the merge here is their common direction.

    Raises GrowmergeError for three or more members that cancel out.
    """
    size, parameters = operands.size, operands.parameters
    eps = parameters.get("eps", 1e-8)
    rows = operands.rows if operands.base is None else lambda part: operands.task_vectors(part)[0]
    first = rows(slice(0, 1))[0]
    weights = torch.tensor(parameters["weight"], dtype=first.dtype, device=first.device)
    if parameters.get("normalize_weights", True):
        weights = weights / weights.sum()
    columns = weights.view(-1, 1)
    mean, tangent, spare = (first.new_empty(size) for _ in range(3))

    def vector(i: int, part: slice) -> Tensor:
        member = operands.members[i](part)
        return member if operands.base is None else member - operands.base(part)

    def of_each(reduce: Callable[[Tensor], Tensor], fill: Callable[[int, slice, Tensor], object]) -> Tensor:
        """A number for each member's whole tensor, which is filled part by part.

        Two at a time, as each needs the memory of a tensor.
        """
        waiting = iter(range(len(operands.members)))

        def run(space: Tensor) -> dict[int, Tensor]:
            found = {}
            for i in waiting:
                for part in workers.cut(size):
                    fill(i, part, space[part])
                found[i] = reduce(space)
            return found

        one, two = workers.map(run, [tangent, spare])
        return torch.stack([number for _, number in sorted((one | two).items())]).view(-1, 1)

    norms = of_each(torch.norm, lambda i, part, space: space.copy_(vector(i, part)))
    lengths = norms + eps

    def average(part: slice) -> None:
        mean[part] = _sum(rows(part).div_(lengths).mul_(columns))

    workers.blocks(size, average)
    mean_norm = torch.norm(mean)
    if mean_norm < eps:
        return _between_opposites(operands, rows, weights, workers, write)

    def normalise(part: slice) -> None:
        mean[part] /= mean_norm

    workers.blocks(size, normalise)

    def along_mean(i: int, part: slice, space: Tensor) -> None:
        torch.div(vector(i, part), lengths[i], out=space).mul_(mean[part])

    cosines = of_each(torch.sum, along_mean)

    def project(part: slice) -> None:
        units = rows(part).div_(lengths)
        tangent[part] = _sum(units.sub_(cosines * mean[part]).mul_(columns))

    workers.blocks(size, project)
    angle = torch.norm(tangent) + eps
    # Equal members leave nothing to move along, and in float16 eps is zero: there mergekit's result is not a number.
    along, across = torch.cos(angle), torch.sin(angle) / angle if angle > 0 else torch.ones_like(angle)
    length = (norms.squeeze(-1) * weights).sum()

    def move(part: slice) -> None:
        point = (mean[part] * along + tangent[part] * across) * length
        write(part, point if operands.base is None else point + operands.base(part))

    workers.blocks(size, move)


def _sum(rows: Tensor) -> Tensor:
    """`rows.sum(0)`, which torch accumulates in float32 anyway, but several times as fast."""
    return rows.float().sum(0).to(rows.dtype)


def _between_opposites(operands: Operands, rows: Rows, weights: Tensor, workers: Workers, write: Write) -> None:
    """Two opposite members have no direction between them: like mergekit, on the straight line."""
    if len(operands.members) != 2:
        raise GrowmergeError(
            f"multislerp: the members' tensors {operands.name} cancel out, so they have no mean direction; give the "
            "languages other `weights`"
        )

    def merge_block(part: slice) -> None:
        first, second = rows(part)
        point = first * weights[0] + second * weights[1]
        write(part, point if operands.base is None else point + operands.base(part))

    workers.blocks(operands.size, merge_block)
