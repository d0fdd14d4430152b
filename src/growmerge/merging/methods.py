"""One tensor of a merge: by mergekit's own code, or by ours where that is much faster or depends on less."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from mergekit.merge_methods import merge_tensors
from torch import Tensor

from growmerge.merging.blocks import Workers
from growmerge.merging.multislerp import multislerp
from growmerge.merging.operands import Operands, Write, whole
from growmerge.merging.sparse import dare_linear, dare_ties, task_arithmetic, ties


def linear(operands: Operands, workers: Workers, write: Write) -> None:
    """The weighted mean (without `normalize`, sum). mergekit's sums are in float32: converting for it is faster."""

    def merge_block(part: slice) -> None:
        members = [member(part) for member in operands.members]
        merged = _by_mergekit("linear", operands, [member.float() for member in members], None)
        write(part, merged.to(members[0].dtype))

    workers.blocks(operands.size, merge_block)


def _by_mergekit(method: str, operands: Operands, members: Sequence[Tensor], base: Tensor | None) -> Tensor:
    """mergekit's code, with the base after the members, as its planner has it."""
    values = operands.parameters
    merged: Tensor = merge_tensors(
        [*members, *([] if base is None else [base])],
        method,
        parameters=values,
        base_index=None if base is None else len(members),
        name=operands.name,
    )
    return merged


# Each needs a few blocks of memory (multislerp a few tensors), and gives something that is not finite where a member is
# not: whatever they leave out, they leave out by multiplying by zero.
IN_PARTS: dict[str, Callable[[Operands, Workers, Write], None]] = {
    "linear": linear,
    "task_arithmetic": task_arithmetic,
    "ties": ties,
    "dare_ties": dare_ties,
    "dare_linear": dare_linear,
    "multislerp": multislerp,
}


def merge_tensor(method: str, operands: Operands, workers: Workers, write: Write) -> None:
    """Merge one tensor by `method` (mergekit's name), and `write` it part by part.

    Methods that are not IN_PARTS take the members as whole tensors. One that draws random numbers draws them anew for
    each tensor, so that the order of tensors does not matter.
    """
    if method in IN_PARTS:
        return IN_PARTS[method](operands, workers, write)
    members = [whole(member, operands.size, workers).view(operands.shape) for member in operands.members]
    base = None if operands.base is None else whole(operands.base, operands.size, workers).view(operands.shape)
    with torch.random.fork_rng([member.device for member in members[:1] if member.is_cuda]):
        torch.manual_seed(operands.key() % 2**63)
        write(slice(0, operands.size), _by_mergekit(method, operands, members, base).reshape(-1))
