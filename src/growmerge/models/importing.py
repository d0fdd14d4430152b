"""Checkpoints from elsewhere, taken into the grid: as plain Llama, or, where they are only scored, as they are.

Nothing that comes with a checkpoint is ever run: config.json, safetensors and the fast tokenizer are read, and no other
file is even fetched or copied.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import torch
import yaml
from safetensors import SafetensorError, safe_open
from torch import Tensor
from transformers import LlamaConfig

from growmerge.artifacts import publish
from growmerge.config.references import Reference, parse_reference
from growmerge.data.tokenizer import read_tokenizer
from growmerge.errors import GrowmergeError
from growmerge.hub import download, refuse_links_to_elsewhere
from growmerge.models.checkpoints import (
    TOKENIZER_FILES,
    empty_model,
    model_from_tensors,
    parameter_count,
    read_config,
    read_weights,
    refuse_foreign,
    save_checkpoint,
)
from growmerge.models.stored import FINAL_NORM, WEIGHTS_INDEX, finite, unreadable, weight_files

logger = logging.getLogger(__name__)

CONFIG_FILES = ("config.json", "generation_config.json")
MODEL_CARD = "README.md"
FETCHED = (*CONFIG_FILES, "*.safetensors", WEIGHTS_INDEX, *TOKENIZER_FILES, MODEL_CARD)
# Folders with other formats of the same weights, and the original format of some publishers.
NOT_FETCHED = ("*/*", "consolidated*")

Facts = dict[str, str | int | float | None]

HYPERLLAMA = "hyperllama"
FACTOR = "lm_head_normalization_factor"
# What a configuration may hold beside LlamaConfig's own fields: older names, and notes that change no computation.
KNOWN_KEYS = {field.name for field in fields(LlamaConfig)} | {
    "model_type",
    "auto_map",
    "rope_theta",
    "rope_scaling",
    "torch_dtype",
    "_name_or_path",
    "_attn_implementation_autoset",
    FACTOR,
}


@dataclass(frozen=True)
class Source:
    """A checkpoint where it was found; `facts` say where that is, of which commit, and under which licence."""

    folder: Path
    facts: Facts


def find(reference: Reference) -> Source:
    """The files that a reference stands for, from the hub or a local folder.

    Raises GrowmergeError if there is no such folder, if one of its files is a link to elsewhere, if its tokenizer
    cannot be read, or for what `growmerge.hub.download` refuses.
    """
    facts: Facts = {"source": f"{reference.kind}:{reference.name}"}
    if reference.kind == "folder":
        folder = Path(reference.name)
        if not folder.is_dir():
            raise GrowmergeError(f"folder:{folder}: no such folder; give the path of a model folder")
        refuse_links_to_elsewhere(folder, FETCHED)
    else:
        folder = download(reference.name, reference.revision, FETCHED, NOT_FETCHED)
        facts |= {"revision": reference.revision, "commit": folder.name}
    if (folder / "tokenizer.json").exists():  # a missing one is refused later, after worse faults
        read_tokenizer(folder)
    return Source(folder, facts | {"licence": _licence(folder / MODEL_CARD)})


def publish_import(folder: Path, reference: str, *, external: bool) -> None:
    """Publish the checkpoint that `reference` ('hub:...', 'folder:...') names as `folder`.

    An `external` one, which is only scored, stays as it is. Raises GrowmergeError as `import_checkpoint` and
    `import_external` do.
    """
    take = import_external if external else import_checkpoint
    with publish(folder, config={"reference": reference, "external": external}) as draft:
        draft.facts |= take(parse_reference(reference), draft.folder)


def import_checkpoint(reference: Reference, folder: Path) -> Facts:
    """Write the Llama that `reference` names, and its tokenizer, into `folder` as `save_checkpoint` does; return facts.

    The published HyperLlama checkpoints (Glocker et al. 2025) become plain Llama, too: what they add is a head that
    divides the tied weight by `lm_head_normalization_factor` at run time, and that factor goes into the final norm
    (see `growmerge.models.hyperclone`), which is exact for powers of two. Every tensor keeps its dtype.

    Raises GrowmergeError for anything that is not a Llama, asks for other remote code, has keys in a HyperLlama's
    configuration whose meaning is unknown, has no safetensors or no fast tokenizer, is damaged, or has weights that are
    not finite.
    """
    source = find(reference)
    values, factor = plain_config(read_config(source.folder), source.folder)
    empty = empty_model(values, source.folder)
    tensors = read_weights(source.folder, empty)
    norm = tensors[FINAL_NORM]
    tensors[FINAL_NORM] = (norm.to(torch.promote_types(norm.dtype, torch.float32)) / factor).to(norm.dtype)
    for name, tensor in tensors.items():
        _check_finite(source.folder, name, tensor)
    model = model_from_tensors(empty.config, tensors)
    save_checkpoint(model, folder, source.folder)
    logger.info("%s: %s parameters, head factor %g", source.facts["source"], f"{parameter_count(model):,}", factor)
    return source.facts | {"parameters": parameter_count(model), "head_factor": factor}


def plain_config(values: Mapping[str, Any], folder: Path) -> tuple[dict[str, Any], float]:
    """The configuration of a plain Llama, and the factor by which `values` (of `folder`) asks to divide its head.

    Raises GrowmergeError for a HyperLlama with unknown keys or a factor that is not a positive number.
    """
    path = folder / "config.json"
    plain = {key: value for key, value in values.items() if key != FACTOR}
    if values.get("model_type") == HYPERLLAMA:
        # Its class runs in place of stock Llama, so every key that stock Llama does not know may change the function.
        unknown = sorted(key for key, value in values.items() if key not in KNOWN_KEYS and value is not None)
        if unknown:
            raise GrowmergeError(
                f"{path}: {', '.join(unknown)}: unknown to a {HYPERLLAMA} model, and may change what it computes; "
                "remove what does not, or use another checkpoint"
            )
        plain.pop("auto_map", None)
        plain["model_type"] = "llama"
    plain["architectures"] = ["LlamaForCausalLM"]
    factor = values.get(FACTOR, 1)
    if isinstance(factor, bool) or not isinstance(factor, int | float) or not factor > 0:
        raise GrowmergeError(f"{path}: {FACTOR} = {factor!r}: must be a positive number")
    return plain, float(factor)


def import_external(reference: Reference, folder: Path) -> Facts:
    """Copy the model that `reference` names into `folder` as it is, whatever its architecture; return facts.

    It is loaded, and its tensors are compared with its configuration, when it is scored (`growmerge.models.external`).

    Raises GrowmergeError if it needs remote code, is quantized, has no safetensors or no fast tokenizer, or has weights
    that are not finite.
    """
    source = find(reference)
    refuse_foreign(read_config(source.folder), source.folder)
    if not (source.folder / "tokenizer.json").is_file():
        raise GrowmergeError(f"{source.folder}: no tokenizer.json; a model with a fast tokenizer is needed")
    paths = weight_files(source.folder)
    for path in paths:
        _check_file(path)
    folder.mkdir(parents=True, exist_ok=True)
    names = [path.name for path in paths]
    for name in (*CONFIG_FILES, *TOKENIZER_FILES, WEIGHTS_INDEX, *names):
        if (source.folder / name).is_file():
            shutil.copyfile(source.folder / name, folder / name)
    return source.facts


def _check_file(path: Path) -> None:
    """Raise GrowmergeError for the first tensor of a safetensors file that is not finite; one at a time is read."""
    try:
        with safe_open(path, framework="pt") as file:
            for name in file.keys():  # noqa: SIM118 (not a mapping)
                _check_finite(path, name, file.get_tensor(name))
    except (SafetensorError, OSError) as error:
        raise unreadable(path, error) from error


def _check_finite(place: Path, name: str, tensor: Tensor) -> None:
    if not tensor.is_floating_point():
        return
    # The extremes of 8-bit floats are not to be had.
    if not finite(tensor.float() if tensor.itemsize == 1 else tensor):
        raise GrowmergeError(
            f"{place}: tensor {name} has values that are not finite (NaN or infinity); download the model again, or "
            "import another checkpoint of it"
        )


def _licence(card: Path) -> str | None:
    """What the metadata of a model card say."""
    from huggingface_hub import metadata_load

    if not card.is_file():
        return None
    try:
        metadata = metadata_load(card) or {}
    except (OSError, ValueError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        logger.warning("%s: its metadata cannot be read (%s), so the licence is not recorded", card, reason)
        return None
    licence = metadata.get("license_name") or metadata.get("license")
    return str(licence) if licence else None
