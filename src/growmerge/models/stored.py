"""The tensors of a model folder as its safetensors files store them: found and checked from the headers alone."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Container, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor
from transformers import LlamaForCausalLM

from growmerge.errors import GrowmergeError

EMBEDDING = "model.embed_tokens.weight"
FINAL_NORM = "model.norm.weight"
HEAD = "lm_head.weight"

WEIGHTS = "model.safetensors"
WEIGHTS_INDEX = "model.safetensors.index.json"
PICKLE_SUFFIXES = {".bin", ".pt", ".pth", ".ckpt", ".pkl"}
# What wrappers of a model put before the names of its tensors.
_WRAPPERS = {"_orig_mod.": "torch.compile", "module.": "DistributedDataParallel (or DataParallel)"}
_OLD_BUFFER = re.compile(r"model\.layers\.\d+\.self_attn\.rotary_emb\.inv_freq")
DTYPES = {"F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}


@dataclass(frozen=True)
class Stored:
    """A tensor in a safetensors file: where its bytes are. `dtype` is a key of `DTYPES`."""

    path: Path
    dtype: str
    shape: tuple[int, ...]
    start: int
    stop: int


def stored_tensors(folder: Path, model: LlamaForCausalLM) -> dict[str, Stored]:
    """The tensors of `folder`: all that the (empty) `model` of its config.json has, and no others.

    A head that is tied to the embedding may be stored as well or not; rotary frequencies, which old checkpoints store
    and the configuration determines, are passed over. No weights are read. Raises GrowmergeError for
    damaged files, and for the first tensor that is missing, unexpected, there twice, or of another shape or kind than
    the model's.
    """
    expected = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
    stored: dict[str, Stored] = {}
    for path in weight_files(folder):
        for name, tensor in _header(path):
            if name in stored:
                raise GrowmergeError(f"{path}: tensor {name} is also in another file of this model.")
            if _OLD_BUFFER.fullmatch(name):
                continue
            if name not in expected:
                raise GrowmergeError(f"{path}: unexpected tensor {name}: {_why_unexpected(name, expected)}.")
            if tensor.shape != expected[name]:
                here, asked = list(tensor.shape), list(expected[name])
                raise GrowmergeError(f"{path}: tensor {name} has shape {here}, config.json asks for {asked}.")
            if tensor.dtype not in DTYPES:
                raise GrowmergeError(f"{path}: tensor {name} has dtype {tensor.dtype}, not one of {sorted(DTYPES)}.")
            stored[name] = tensor
    missing = expected.keys() - stored.keys() - ({HEAD} if model.config.tie_word_embeddings else set())
    if missing:
        raise GrowmergeError(
            f"{folder}: the weights lack tensor {min(missing)} which config.json asks for ({len(missing)} missing)."
        )
    return stored


def _why_unexpected(name: str, expected: Container[str]) -> str:
    plain, prefixes = name, []
    while prefix := next((prefix for prefix in _WRAPPERS if plain.startswith(prefix)), None):
        plain = plain.removeprefix(prefix)
        prefixes.append(prefix)
    if prefixes and plain in expected:
        wrappers = " and ".join(_WRAPPERS[prefix] for prefix in prefixes)
        return (
            f"the model was saved within {wrappers}; strip '{''.join(prefixes)}' from the names of all tensors, or "
            "save the model without the wrapper"
        )
    return "the model of config.json has none of this name"


def own_tensors(folder: Path, model: LlamaForCausalLM) -> dict[str, Stored]:
    """The same without a head that is tied to the embedding."""
    stored = stored_tensors(folder, model)
    if model.config.tie_word_embeddings:
        stored.pop(HEAD, None)
    return stored


def unreadable(path: Path, error: Exception) -> GrowmergeError:
    """What is said of a safetensors file that is damaged."""
    return GrowmergeError(f"{path}: unreadable weights ({error}); build or download the model again.")


def finite(tensor: Tensor) -> bool:
    """Whether no element is infinite or not a number."""
    return not tensor.numel() or all(math.isfinite(end.item()) for end in torch.aminmax(tensor))


def _header(path: Path) -> Iterator[tuple[str, Stored]]:
    try:
        # To open it checks the header: that it is whole, and that shapes, offsets and the length of the file agree.
        with safe_open(path, framework="pt"), path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            header: dict[str, Any] = json.loads(file.read(length))
    except (SafetensorError, OSError) as error:
        raise unreadable(path, error) from error
    header.pop("__metadata__", None)
    for name, entry in header.items():
        start, stop = (8 + length + offset for offset in entry["data_offsets"])
        yield name, Stored(path, entry["dtype"], tuple(entry["shape"]), start, stop)


def weight_files(folder: Path) -> list[Path]:
    """The safetensors files of a checkpoint: one, or those of its index.

    Raises GrowmergeError if one is missing, lies elsewhere, or the weights are only there as pickles.
    """
    if (folder / WEIGHTS).is_file():
        return [folder / WEIGHTS]
    index = folder / WEIGHTS_INDEX
    if index.is_file():
        weight_map = read_json(index).get("weight_map")
        if not isinstance(weight_map, dict):
            raise GrowmergeError(f"{index}: no weight_map; download the model again.")
        names = sorted({str(name) for name in weight_map.values()})
        for name in names:
            if Path(name).name != name:
                raise GrowmergeError(f"{index}: {name} does not lie in the model's folder.")
            if not (folder / name).is_file():
                raise GrowmergeError(
                    f"{folder / name}: missing, but named in {WEIGHTS_INDEX}; download the model again."
                )
        return [folder / name for name in names]
    pickles = sorted(path.name for path in folder.iterdir() if path.suffix in PICKLE_SUFFIXES)
    if pickles:
        raise GrowmergeError(
            f"{folder}: the weights are pickled ({pickles[0]}), which can run code when loaded; "
            f"convert them to safetensors."
        )
    raise GrowmergeError(f"{folder}: no {WEIGHTS}; this is not a complete model folder.")


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object of a model folder. Raises GrowmergeError if it is not there or not one."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise GrowmergeError(f"{path}: no such file; this is not a complete model folder.") from error
    except ValueError as error:
        raise GrowmergeError(f"{path}: not valid JSON: {error}") from error
    if not isinstance(values, dict):
        raise GrowmergeError(f"{path}: not a JSON object.")
    return values
