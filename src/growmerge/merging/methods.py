"""One tensor of a merge: by mergekit's own code, or by ours where that is much faster or depends on less."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from mergekit.merge_methods import merge_tensors
from torch import Tensor

from growmerge.merging.blocks import Workers
from growmerge.merging.multislerp import multislerp
from growmerge.merging.operands import Operands
from growmerge.merging.sparse import dare_linear, dare_ties, ties

# Methods of mergekit in which an element of the result depends on that element of the inputs alone.
ELEMENTWISE = {"linear", "task_arithmetic"}
OURS: dict[str, Callable[[Operands, Workers], Tensor]] = {
    "ties": ties,
    "dare_ties": dare_ties,
    "dare_linear": dare_linear,
    "multislerp": multislerp,
}


def merge_tensor(method: str, operands: Operands, workers: Workers) -> Tensor:
    """One tensor, flat, merged by `method` (mergekit's name).

    mergekit's code runs on blocks of the tensor where the method allows it. A method that draws random numbers draws
    them anew for each tensor, so that the order of tensors does not matter.
    """
    if method in OURS:
        return OURS[method](operands, workers)
    if method in ELEMENTWISE:
        result = torch.empty_like(operands.members[0])

        def merge_block(part: slice) -> None:
            base = None if operands.base is None else operands.base[part]
            result[part] = _by_mergekit(method, operands, [member[part] for member in operands.members], base)

        workers.blocks(result.numel(), merge_block)
        return result
    with torch.random.fork_rng([member.device for member in operands.members[:1] if member.is_cuda]):
        torch.manual_seed(operands.key() % 2**63)
        base = None if operands.base is None else operands.base.view(operands.shape)
        members = [member.view(operands.shape) for member in operands.members]
        return _by_mergekit(method, operands, members, base).reshape(-1)


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
