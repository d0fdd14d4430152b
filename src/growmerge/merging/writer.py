"""Writing a safetensors file part by part, without holding it in memory."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

import torch
from torch import Tensor

from growmerge.disk import writing

NAMES = {torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16"}


class Writer:
    """A safetensors file of tensors of one dtype: the same bytes as `safetensors.torch.save_file` writes."""

    def __init__(self, path: Path, shapes: Mapping[str, tuple[int, ...]], dtype: torch.dtype) -> None:
        """`shapes` has the tensors in the order in which the file has them: sorted by name."""
        header: dict[str, object] = {"__metadata__": {"format": "pt"}}
        starts = {}
        end = 0
        for name, shape in shapes.items():
            starts[name], end = end, end + math.prod(shape) * dtype.itemsize
            header[name] = {"dtype": NAMES[dtype], "shape": list(shape), "data_offsets": [starts[name], end]}
        text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
        text += b" " * (-len(text) % 8)
        self._bytes = 8 + len(text) + end
        self._file = path.open("wb", buffering=0)
        with writing(self._bytes):
            self._file.write(len(text).to_bytes(8, "little") + text)
        self._starts = {name: 8 + len(text) + start for name, start in starts.items()}

    def write(self, name: str, part: slice, values: Tensor) -> None:
        """Write a part of a flat tensor, from any thread. Raises FullDisk if the disk is full."""
        data = values.cpu().contiguous().view(torch.uint8).numpy().data
        start = self._starts[name] + part.start * values.element_size()
        with writing(self._bytes):
            written = os.pwrite(self._file.fileno(), data, start)
            while written < len(data):  # the system writes at most 2 GiB at a time
                written += os.pwrite(self._file.fileno(), data[written:], start + written)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
