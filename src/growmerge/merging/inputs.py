"""The checkpoints that merges are made from: checked against their manifests and each other, read part by part."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from growmerge.artifacts import verify
from growmerge.data.same_tokenizer import tokenizer_difference, tokenizers_of
from growmerge.errors import GrowmergeError
from growmerge.merging.blocks import Workers
from growmerge.merging.operands import Values
from growmerge.models.checkpoints import empty_model, read_config
from growmerge.models.stored import DTYPES, EMBEDDING, HEAD, Stored, finite, own_tensors

# What two models have to agree on for their tensors to mean the same.
ARCHITECTURE = (
    *("vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads"),
    *("num_key_value_heads", "head_dim", "hidden_act", "rms_norm_eps", "rope_parameters", "tie_word_embeddings"),
    *("attention_bias", "mlp_bias"),
)


class Inputs:
    """Checkpoints of one architecture, vocabulary and tokenizer.

    `shapes` maps the names of the tensors, sorted, to their shapes; a tied head is not among them.
    """

    def __init__(self, folders: Sequence[Path], workers: Workers) -> None:
        """Verify the manifests of `folders` and compare the models.

        Raises GrowmergeError for a damaged checkpoint, for one that is not a plain Llama, and for the first tensor,
        value of config.json, or tokenizer in which one differs from the first.
        """
        folders = list(dict.fromkeys(folders))
        workers.map(verify, folders)
        models = {folder: empty_model(read_config(folder), folder) for folder in folders}
        self._tensors = {folder: own_tensors(folder, model) for folder, model in models.items()}
        configs = {folder: model.config.to_dict() for folder, model in models.items()}
        first, *others = folders
        for other in others:
            self._compare(first, other, configs)
        self.shapes = {name: self._tensors[first][name].shape for name in sorted(self._tensors[first])}
        self._files: dict[Path, int] = {}
        self.layers: int = configs[first]["num_hidden_layers"]

    def check_dtypes(self, folders: Sequence[Path]) -> None:
        """Raise GrowmergeError for the first tensor that one of `folders` stores in another dtype than the first."""
        first, *others = folders
        for other in others:
            for name in self.shapes:
                here, there = (self._tensors[folder][name].dtype for folder in (other, first))
                if here != there:
                    raise GrowmergeError(
                        f"{other}: tensor {name} is stored as {here}, that of {first} as {there}; save both in "
                        "one dtype, or set merging.mixed_dtypes to true to convert them"
                    )

    @contextmanager
    def opened(self, folders: Sequence[Path]) -> Iterator[None]:
        """Within it, tensors of `folders` can be read."""
        with ExitStack() as stack:
            paths = {tensor.path for folder in folders for tensor in self._tensors[folder].values()}
            self._files = {path: stack.enter_context(path.open("rb", buffering=0)).fileno() for path in paths}
            yield
        self._files = {}

    def values(self, name: str, folder: Path, dtype: torch.dtype) -> Values:
        """The tensor `name` of a model, flat, as `dtype`: each part is read when it is asked for, from any thread."""
        stored = self._tensors[folder][name]
        return partial(_read, self._files[stored.path], stored, dtype)

    def check_finite(self, name: str, folders: Sequence[Path], dtype: torch.dtype, workers: Workers) -> None:
        """Raise GrowmergeError naming the first model whose tensor `name` is not finite in `dtype`."""
        for folder in folders:
            values = self.values(name, folder, dtype)
            parts = workers.cut(math.prod(self.shapes[name]))
            if not all(workers.map(finite, map(values, parts))):
                raise GrowmergeError(
                    f"{folder}: tensor {name} has values that are not finite as {str(dtype).removeprefix('torch.')}"
                    "; train or import this model again, or merge in another merging.dtype"
                )

    def _compare(self, first: Path, other: Path, configs: Mapping[Path, Mapping[str, Any]]) -> None:
        tied = [bool(configs[folder]["tie_word_embeddings"]) for folder in (first, other)]
        if tied[0] != tied[1]:
            raise GrowmergeError(
                f"{other}: {HEAD} is {'tied to the embedding' if tied[1] else 'a tensor of its own'}, that of {first} "
                "is not so; only models that agree in tie_word_embeddings can be merged"
            )
        tensors, expected = self._tensors[other], self._tensors[first]
        if missing := sorted(expected.keys() - tensors.keys()):
            raise GrowmergeError(f"{other}: lacks tensor {missing[0]}, which {first} has; they cannot be merged")
        if extra := sorted(tensors.keys() - expected.keys()):
            raise GrowmergeError(f"{other}: has tensor {extra[0]}, which {first} lacks; they cannot be merged")
        for name, tensor in sorted(tensors.items()):
            if tensor.shape != expected[name].shape:
                what = "another vocabulary: " if name in (EMBEDDING, HEAD) else ""
                raise GrowmergeError(
                    f"{other}: {what}tensor {name} has shape {list(tensor.shape)}, that of {first} has "
                    f"{list(expected[name].shape)}; they cannot be merged"
                )
        for key in ARCHITECTURE:
            here, there = (configs[folder].get(key) for folder in (first, other))
            if here != there:
                raise GrowmergeError(
                    f"{other}/config.json: {key} = {there!r}, but {first} has {here!r}; their weights do not mean the "
                    "same and cannot be merged"
                )
        if difference := tokenizer_difference(other, first):
            raise GrowmergeError(
                f"{other}/tokenizer.json: is another tokenizer than {first}'s: {difference}; they cannot be merged"
            )


def check_statistics(statistics: Mapping[str, Mapping[str, Path]], members: Mapping[str, Path]) -> None:
    """Verify the artifacts of `statistics` (name -> language -> folder) of the `members` of a merge.

    Raises GrowmergeError for a damaged one, and for one that was computed with another tokenizer than its member's.
    """
    for name, folders in statistics.items():
        for code, folder in folders.items():
            for tokenizer in tokenizers_of(verify(folder)):
                if difference := tokenizer_difference(members[code], tokenizer):
                    raise GrowmergeError(
                        f"{folder}: {name} of {code} are those of another tokenizer than that of {members[code]}: "
                        f"{difference}; choose a method that does not ask for them, or models with the tokenizer of "
                        "this study"
                    )


def _read(file: int, stored: Stored, dtype: torch.dtype, part: slice) -> Tensor:
    """A part of a tensor, as `dtype`.

    Read rather than mapped: pages of a mapped file count as memory of this process until it is closed.
    """
    kind = DTYPES[stored.dtype]
    raw = torch.empty(part.stop - part.start, dtype=kind)
    buffer = raw.view(torch.uint8).numpy().data
    if os.preadv(file, [buffer], stored.start + part.start * kind.itemsize) != len(buffer):
        raise GrowmergeError(f"{stored.path}: ends too early; build or download the model again")
    # From one 16-bit format to the other it is several times faster by way of float32.
    return raw if kind == dtype else (raw.float() if kind.itemsize == 2 else raw).to(dtype)
