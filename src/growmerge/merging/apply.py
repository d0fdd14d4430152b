"""One tensor of a merge by a method of the registry: in parts, or as whole tensors."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from growmerge.catalogue.merge_registry import MergeMethod
from growmerge.errors import GrowmergeError

# Loaded here, before work is shared out among processes, each of which would load them again.
from growmerge.merging import by_mergekit, multislerp, sparse  # noqa: F401
from growmerge.merging.blocks import Workers
from growmerge.merging.methods import Tensors
from growmerge.merging.operands import Operands, Write, stacked, whole
from growmerge.models.stored import finite


def merge_tensor(method: MergeMethod, operands: Operands, workers: Workers, write: Write) -> None:
    """Merge one tensor by `method`, and `write` it part by part.

    Methods that are neither `in_parts` nor `by_rows` take the members as whole tensors. One that draws random numbers
    draws them anew for each tensor, also from torch's own generator, so that the order of tensors does not matter.

    Raises GrowmergeError if the method returns something else than a tensor of that shape.
    """
    if method.in_parts:
        method.function(operands, workers, write)
    elif method.by_rows:
        _merge_rows(method, operands, workers, write)
    else:
        _merge_whole(method, operands, workers, write)


def _merge_whole(method: MergeMethod, operands: Operands, workers: Workers, write: Write) -> None:
    base = None if operands.base is None else whole(operands.base, operands.size, workers)
    members = stacked(operands.members, operands.size, workers)
    tensors = _tensors(operands, members, base, operands.shape)
    with torch.random.fork_rng([members.device] if members.device.type == "cuda" else []):
        torch.manual_seed(operands.key() % 2**63)
        merged = _merged(method, tensors, operands)
    write(slice(0, operands.size), merged.reshape(-1))


def _merge_rows(method: MergeMethod, operands: Operands, workers: Workers, write: Write) -> None:
    """Merge one block of rows after the other; a tensor without dimensions is one row."""
    rows, *rest = operands.shape or (1,)
    width = math.prod(rest)

    def merge_block(block: slice) -> None:
        part = slice(block.start * width, block.stop * width)
        members = operands.rows(part)
        base = None if operands.base is None else operands.base(part)
        shape = (block.stop - block.start, *rest) if operands.shape else ()
        merged = _merged(method, _tensors(operands, members, base, shape, block), operands)
        if not finite(members) or (base is not None and not finite(base)):
            merged = torch.full_like(merged, torch.nan)  # must show, even if the method drops it
        write(part, merged.reshape(-1))

    workers.map(merge_block, workers.cut_rows(rows, width))


def _tensors(
    operands: Operands, members: Tensor, base: Tensor | None, shape: tuple[int, ...], rows: slice = slice(None)
) -> Tensors:
    """What a method gets: tensors of `shape`, from flat ones of the members [n, elements] and the base [elements]."""
    return Tensors(
        name=operands.name,
        shape=operands.shape,
        languages=operands.languages,
        members=members.view(-1, *shape),
        base=None if base is None else base.view(shape),
        statistics=operands.statistics,
        key=operands.key,
        rows=rows,
    )


def _merged(method: MergeMethod, tensors: Tensors, operands: Operands) -> Tensor:
    """What the method makes of a tensor, or of some rows of it, in the dtype of the merge.

    Raises GrowmergeError if that is not a tensor of the same shape.
    """
    expected = tensors.members.shape[1:]
    merged = method.function(tensors, **operands.parameters)
    if not isinstance(merged, Tensor) or merged.shape != expected:
        found = f"shape {list(merged.shape)}" if isinstance(merged, Tensor) else type(merged).__name__
        what = f"{expected[0]} rows of tensor" if method.by_rows and expected else "tensor"
        raise GrowmergeError(
            f"merge method {method.title}: returned {found} for {what} {operands.name} of shape {list(operands.shape)}"
        )
    return merged.to(tensors.members.dtype)
