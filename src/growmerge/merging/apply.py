"""One tensor of a merge by a method of the registry: in parts, or as whole tensors."""

from __future__ import annotations

import torch
from torch import Tensor

from growmerge.catalogue.merge_registry import MergeMethod
from growmerge.errors import GrowmergeError

# Loaded here, before work is shared out among processes, each of which would load them again.
from growmerge.merging import by_mergekit, multislerp, sparse  # noqa: F401
from growmerge.merging.blocks import Workers
from growmerge.merging.methods import Tensors
from growmerge.merging.operands import Operands, Write, stacked, whole


def merge_tensor(method: MergeMethod, operands: Operands, workers: Workers, write: Write) -> None:
    """Merge one tensor by `method`, and `write` it part by part.

    Methods that are not `in_parts` take the members as whole tensors. One that draws random numbers draws them anew for
    each tensor, also from torch's own generator, so that the order of tensors does not matter.

    Raises GrowmergeError if the method returns something else than a tensor of that shape.
    """
    if method.in_parts:
        return method.function(operands, workers, write)
    tensors = _tensors(operands, workers)
    dtype, device = tensors.members.dtype, tensors.members.device
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        torch.manual_seed(operands.key() % 2**63)
        merged = method.function(tensors, **operands.parameters)
    if not isinstance(merged, Tensor) or merged.shape != operands.shape:
        found = f"shape {list(merged.shape)}" if isinstance(merged, Tensor) else type(merged).__name__
        raise GrowmergeError(
            f"merge method {method.title}: returned {found} for tensor {operands.name} of shape {list(operands.shape)}"
        )
    write(slice(0, operands.size), merged.to(dtype).reshape(-1))


def _tensors(operands: Operands, workers: Workers) -> Tensors:
    members = stacked(operands.members, operands.size, workers)
    base = None if operands.base is None else whole(operands.base, operands.size, workers).view(operands.shape)
    return Tensors(
        name=operands.name,
        shape=operands.shape,
        languages=operands.languages,
        members=members.view(-1, *operands.shape),
        base=base,
        statistics=operands.statistics,
        key=operands.key,
    )
