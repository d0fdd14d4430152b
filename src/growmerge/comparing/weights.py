"""The weights of several checkpoints of one shape, tensor by tensor: none of them is ever in memory whole."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import torch
from safetensors import safe_open
from torch import Tensor

from growmerge.errors import GrowmergeError
from growmerge.models.checkpoints import empty_model, read_config
from growmerge.models.stored import own_tensors

BLOCK = 2**20  # elements of a tensor, of each model, that are held at once

Shapes = dict[str, list[int]]


class Checkpoints:
    """Checkpoints of one shape.

    `shapes` maps the names of their tensors, sorted, to the shapes; a tied head is not among them. Files are open only
    while a tensor is read: pages of a mapped file stay in memory until it is closed.
    """

    def __init__(self, folders: Sequence[Path], device: str | torch.device = "cpu") -> None:
        """Read the headers of the safetensors files of `folders` and compare the shapes with each other.

        Raises GrowmergeError for a folder that is not a plain Llama, and for the first tensor that one model lacks,
        or has in another shape than the first model, or in one that its config.json does not ask for.
        """
        self.folders = list(folders)
        self.device = device
        self._paths: list[dict[str, Path]] = []
        shapes: list[Shapes] = []
        for folder in self.folders:
            stored = own_tensors(folder, empty_model(read_config(folder), folder))
            self._paths.append({name: tensor.path for name, tensor in stored.items()})
            shapes.append({name: list(tensor.shape) for name, tensor in stored.items()})
            _compare(self.folders[0], shapes[0], folder, shapes[-1])
        self.shapes: Shapes = {name: shapes[0][name] for name in sorted(shapes[0])}

    def blocks(self, name: str) -> Iterator[Tensor]:
        """The tensor `name` of all models, piece by piece: fp64 [models, elements], at most `BLOCK` elements of each
        (or a row, if that is longer).

        Raises GrowmergeError naming a model in which it is not finite.
        """
        rows, *rest = self.shapes[name]
        step = max(1, BLOCK // torch.Size(rest).numel())
        with ExitStack() as files:
            opened = [files.enter_context(safe_open(paths[name], framework="pt")) for paths in self._paths]
            slices = [file.get_slice(name) for file in opened]
            for start in range(0, rows, step):
                pieces = [part[start : start + step] for part in slices]
                block = torch.stack([piece.flatten().to(self.device, torch.float64) for piece in pieces])
                if not torch.isfinite(block).all():
                    index = int((~torch.isfinite(block).all(dim=1)).nonzero()[0])
                    raise GrowmergeError(
                        f"{self.folders[index]}: tensor {name} has values that are not finite; build it again"
                    )
                yield block

    def tensor(self, name: str, index: int) -> Tensor:
        """The tensor `name` of the model in `folders[index]`: fp32, of the shape `shapes[name]`."""
        with safe_open(self._paths[index][name], framework="pt") as file:
            tensor: Tensor = file.get_tensor(name)
            return tensor.to(self.device, torch.float32, copy=True)


def _compare(one: Path, here: Shapes, other: Path, there: Shapes) -> None:
    for name in sorted(here.keys() | there.keys()):
        if name not in here or name not in there:
            lacking, having = (one, other) if name in there else (other, one)
            raise GrowmergeError(f"{lacking}: lacks tensor {name}, which {having} has; they cannot be compared")
        if here[name] != there[name]:
            raise GrowmergeError(
                f"{other}: tensor {name} has shape {there[name]}, by {one} it is {here[name]}; they cannot be compared"
            )
