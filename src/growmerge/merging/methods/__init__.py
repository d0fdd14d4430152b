"""Merge methods that are not mergekit's: a file in this folder, or of the user's, defines some.

A merge method is a function that `merge_method` decorates. It gets a tensor of every model as `Tensors`, and returns
the merged tensor. docs/extending.md shows a whole file; `merge_method` says what its signature means. Rules read such
files whenever Snakemake parses, so they import torch `lazily`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from growmerge.catalogue.merge_registry import MergeMethod, merge_method
from growmerge.lazily import lazily

with lazily():
    import torch

__all__ = ["MergeMethod", "Tensors", "merge_method"]


@dataclass(frozen=True)
class Tensors:
    """The same tensor of every model, in the dtype and on the device of the merge.

    `name` and `shape` are the tensor's. `languages` name the members, sorted, and `members` [n, *shape] are theirs, in
    that order; `base` [*shape] is that of the base model, None if the method does not use it. `statistics` map the
    names that the method declares to one value for each member. `key` gives, for a language or for none, 128 bits to
    draw from: they depend on the study's seed, the tensor and the language alone. A method by rows gets some `rows` of
    the tensor at a time: `members` and `base` then hold these alone, while `shape` is still the whole tensor's.
    """

    name: str
    shape: tuple[int, ...]
    languages: Sequence[str]
    members: torch.Tensor
    base: torch.Tensor | None
    statistics: Mapping[str, Sequence[Any]]
    key: Callable[[str], int]
    rows: slice = field(default_factory=lambda: slice(None))

    @property
    def deltas(self) -> torch.Tensor:
        """The members' differences to the base [n, *shape]. Only for methods that use one."""
        assert self.base is not None
        return self.members - self.base

    def generator(self, language: str = "") -> torch.Generator:
        """A source of random numbers on the CPU: the same in every run, another one for each tensor and language."""
        return torch.Generator().manual_seed(self.key(language) % 2**63)
