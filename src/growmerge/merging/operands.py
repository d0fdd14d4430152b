"""What one tensor of a merge is made from."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor


@dataclass(frozen=True)
class Operands:
    """The same tensor of every model, flat, of one dtype and on one device, to be merged into one of that kind.

    `name` and `shape` are the tensor's. `languages` name the `members`, sorted. Of the `parameters`, those of members
    are lists in the same order, the others are values.
    """

    name: str
    shape: tuple[int, ...]
    languages: Sequence[str]
    members: Sequence[Tensor]
    base: Tensor | None
    parameters: Mapping[str, Any]
    seed: int

    def key(self, language: str = "") -> int:
        """128 bits to draw random numbers from: a function of the seed, the tensor and the member, and nothing else."""
        text = f"{self.seed}\n{self.name}\n{language}"
        return int.from_bytes(hashlib.sha256(text.encode()).digest()[:16], "little")
