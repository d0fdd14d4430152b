"""Writing a safetensors file tensor by tensor, without holding it in memory."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

import torch
from torch import Tensor

NAMES = {torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16"}


class Writer:
    """A safetensors file of tensors of one dtype: the same bytes as `safetensors.torch.save_file` writes."""

    def __init__(self, path: Path, shapes: Mapping[str, tuple[int, ...]], dtype: torch.dtype) -> None:
        """`shapes` has the tensors in the order in which they are added: sorted by name."""
        header: dict[str, object] = {"__metadata__": {"format": "pt"}}
        self._left = list(shapes)
        offset = 0
        for name, shape in shapes.items():
            end = offset + math.prod(shape) * dtype.itemsize
            header[name] = {"dtype": NAMES[dtype], "shape": list(shape), "data_offsets": [offset, end]}
            offset = end
        text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
        text += b" " * (-len(text) % 8)
        self._file = path.open("wb")
        self._file.write(len(text).to_bytes(8, "little") + text)

    def add(self, name: str, tensor: Tensor) -> None:
        """Append the next tensor."""
        if name != self._left.pop(0):
            raise ValueError(f"{name} is not the next tensor of the header")
        self._file.write(tensor.reshape(-1).view(torch.uint8).numpy().data)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        if error is None and self._left:
            raise ValueError(f"{len(self._left)} tensors were not written, the first is {self._left[0]}")
