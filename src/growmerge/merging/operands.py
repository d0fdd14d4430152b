"""What one tensor of a merge is made from."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from growmerge.merging.blocks import Workers

# A part of a flat tensor, not to be written to. It may be read from a file each time: methods go over parts several
# times rather than hold whole tensors, since to read a block again costs less than to touch new memory for it.
Values = Callable[[slice], Tensor]
Write = Callable[[slice, Tensor], None]  # takes a part of the result, from any thread


@dataclass(frozen=True)
class Operands:
    """The same tensor of every model, flat, of one dtype and on one device, to be merged into one of that kind.

    `name` and `shape` are the tensor's. `languages` name the `members`, sorted. Of the `parameters`, those of members
    are lists in the same order, the others are values. `statistics` map the names that the method asks for to one value
    for each member, in the same order.
    """

    name: str
    shape: tuple[int, ...]
    languages: Sequence[str]
    members: Sequence[Values]
    base: Values | None
    parameters: Mapping[str, Any]
    seed: int
    statistics: Mapping[str, Sequence[Any]] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)

    def rows(self, part: slice) -> Tensor:
        """A part of the members, one a row: [members, elements of the part]."""
        return torch.stack([member(part) for member in self.members])

    def task_vectors(self, part: slice) -> tuple[Tensor, Tensor]:
        """A part of the members' differences to the base, [members, elements of the part], and of the base, [elements].

        Only for methods that use a base.
        """
        assert self.base is not None
        base = self.base(part)
        return self.rows(part).sub_(base), base

    def key(self, language: str = "") -> int:
        """128 bits to draw random numbers from: a function of the seed, the tensor and the member, and nothing else."""
        text = f"{self.seed}\n{self.name}\n{language}"
        return int.from_bytes(hashlib.sha256(text.encode()).digest()[:16], "little")


def whole(values: Values, size: int, workers: Workers) -> Tensor:
    """All of a flat tensor of `size` elements: [size]."""
    return stacked([values], size, workers)[0]


def stacked(vectors: Sequence[Values], size: int, workers: Workers) -> Tensor:
    """All of several flat tensors of `size` elements, one a row: [vectors, size], of the dtype of the first."""
    rows = vectors[0](slice(0, 1)).new_empty((len(vectors), size))
    for row, values in zip(rows, vectors, strict=True):
        _fill(row, values, workers)
    return rows


def _fill(row: Tensor, values: Values, workers: Workers) -> None:
    def fill(part: slice) -> None:
        row[part] = values(part)

    workers.blocks(len(row), fill)
