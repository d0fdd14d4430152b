"""One tensor of a merge by mergekit's own code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mergekit.merge_methods import merge_tensors
from torch import Tensor

from growmerge.merging.blocks import Workers
from growmerge.merging.methods import Tensors
from growmerge.merging.operands import Operands, Write


def linear(operands: Operands, workers: Workers, write: Write) -> None:
    """The weighted mean (without `normalize`, sum). mergekit's sums are in float32: converting for it is faster."""

    def merge_block(part: slice) -> None:
        members = [member(part) for member in operands.members]
        widened = [member.float() for member in members]
        merged = _merge("linear", operands.name, widened, None, operands.parameters)
        write(part, merged.to(members[0].dtype))

    workers.blocks(operands.size, merge_block)


def merge_whole(method: str, tensors: Tensors, **parameters: Any) -> Tensor:
    """A whole tensor by the method of that name."""
    return _merge(method, tensors.name, list(tensors.members), tensors.base, parameters)


def _merge(
    method: str, name: str, members: Sequence[Tensor], base: Tensor | None, parameters: Mapping[str, Any]
) -> Tensor:
    """mergekit's code, with the base after the members, as its planner has it."""
    merged: Tensor = merge_tensors(
        [*members, *([] if base is None else [base])],
        method,
        parameters=parameters,
        base_index=None if base is None else len(members),
        name=name,
    )
    return merged
