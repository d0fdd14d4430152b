"""The tensors of a merge in memory, which processes that are forked later fill together."""

from __future__ import annotations

import math
import mmap
from collections.abc import Mapping

import torch
from torch import Tensor

_ALIGNED = 64  # bytes: where torch's own allocator lets tensors begin, on which matrix kernels depend


class Held:
    """Tensors of one dtype on one device: what `Writer` is to a file. `tensors` maps their names to them."""

    def __init__(self, shapes: Mapping[str, tuple[int, ...]], dtype: torch.dtype, device: str) -> None:
        """The tensors have no values yet; the system gives memory when they are written."""
        sizes = {name: math.prod(shape) * dtype.itemsize for name, shape in shapes.items()}
        starts = {}
        end = 0
        for name, size in sizes.items():
            starts[name], end = end, end + size + -size % _ALIGNED
        if device == "cpu":
            # Anonymous and shared: /dev/shm, where torch's `share_memory_` makes files, has 64 MB in many containers.
            memory = torch.frombuffer(mmap.mmap(-1, max(end, 1)), dtype=torch.uint8)
        else:
            memory = torch.empty(end, dtype=torch.uint8, device=device)
        self.tensors = {
            name: memory[starts[name] : starts[name] + sizes[name]].view(dtype).view(shape)
            for name, shape in shapes.items()
        }

    def write(self, name: str, part: slice, values: Tensor) -> None:
        """Write a part of a flat tensor, from any thread or process."""
        self.tensors[name].view(-1)[part] = values
