"""Making merges: all that are asked for in one pass over the tensors of their inputs, as plain checkpoints."""

from __future__ import annotations

import json
import logging
import shutil
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Literal

import torch
import yaml

from growmerge.artifacts import publish
from growmerge.errors import GrowmergeError
from growmerge.merging.blocks import Workers, workers
from growmerge.merging.card import write_card
from growmerge.merging.inputs import Inputs
from growmerge.merging.methods import merge_tensor
from growmerge.merging.operands import Operands
from growmerge.merging.recipe import Recipe
from growmerge.merging.writer import Writer
from growmerge.models.checkpoints import TOKENIZER_FILES, WEIGHTS, read_config

logger = logging.getLogger(__name__)
CONFIGURATION = "mergekit_config.yml"


def merge_models(recipes: Mapping[Path, Recipe], inputs: Inputs | None = None) -> None:
    """Make merges of one dtype on one device, each into the folder that it is mapped to, atomically.

    The tensors of the inputs are read one after another, each once for all of the merges. Without `inputs`, which are
    the checkpoints if they are open already, those are verified first. The same recipe gives the same bytes, whatever
    is made with it and with however many threads (those of torch), on one kind of device. A folder loads with stock
    transformers and holds the tokenizer, a model card and the mergekit_config.yml of the same merge.

    Raises GrowmergeError for inputs that are damaged, do not fit together, or give something that is not finite.
    """
    (device,) = {recipe.device for recipe in recipes.values()}
    with workers(device) as crew:
        if inputs is None:
            inputs = Inputs([path for recipe in recipes.values() for path in recipe.inputs], crew)
        _merge(recipes, inputs, crew, device)


def device_for(asked: Literal["cpu", "cuda", "auto"]) -> str:
    """The device to merge on: `auto` is the GPU where there is one. Raises GrowmergeError for `cuda` without one."""
    there = torch.cuda.is_available()
    if asked == "cuda" and not there:
        raise GrowmergeError("merging.device = 'cuda': this job sees no GPU; set it to 'auto' or 'cpu'")
    return "cuda" if there and asked != "cpu" else "cpu"


def _merge(recipes: Mapping[Path, Recipe], inputs: Inputs, crew: Workers, device: str) -> None:
    start = time.monotonic()
    (dtype_name,) = {recipe.dtype for recipe in recipes.values()}
    dtype: torch.dtype = getattr(torch, dtype_name)
    folders = list(dict.fromkeys(path for recipe in recipes.values() for path in recipe.inputs))
    for recipe in recipes.values():
        if not recipe.mixed_dtypes:
            inputs.check_dtypes([recipe.members[code] for code in recipe.languages])
    with ExitStack() as stack:
        writers = {}
        for folder, recipe in recipes.items():
            draft = stack.enter_context(
                publish(folder, inputs=recipe.inputs, config=recipe.describe(), since=start)
            ).folder
            _write_beside_weights(draft, recipe)
            writers[folder] = stack.enter_context(Writer(draft / WEIGHTS, inputs.shapes, dtype))
        for name, shape in inputs.shapes.items():
            tensors = {folder: t.to(device) for folder, t in inputs.read(name, folders, dtype, crew).items()}
            for folder, recipe in recipes.items():
                operands = Operands(
                    name=name,
                    shape=shape,
                    languages=recipe.languages,
                    members=[tensors[recipe.members[code]] for code in recipe.languages],
                    base=tensors[recipe.base] if recipe.method.uses_base else None,
                    parameters=recipe.for_tensor(name, inputs.layers),
                    seed=recipe.seed,
                )
                merged = merge_tensor(recipe.method.of_mergekit, operands, crew)
                if not torch.isfinite(torch.stack(torch.aminmax(merged))).all():
                    raise GrowmergeError(
                        f"{folder}: tensor {name}, merged by {recipe.method.name}, has values that are not finite; "
                        "choose another merging.dtype or other parameters of the method"
                    )
                writers[folder].add(name, merged.cpu())
    for folder, recipe in recipes.items():
        write_card(folder, recipe)


def _write_beside_weights(folder: Path, recipe: Recipe) -> None:
    """The configuration, the tokenizer and mergekit's configuration: everything but weights and card."""
    source = recipe.inputs[0]
    config = {key: value for key, value in read_config(source).items() if key not in ("torch_dtype", "_name_or_path")}
    text = json.dumps(config | {"dtype": recipe.dtype}, indent=2, sort_keys=True, ensure_ascii=False)
    (folder / "config.json").write_text(text + "\n", encoding="utf-8")
    for name in TOKENIZER_FILES:
        if (source / name).exists():
            shutil.copy(source / name, folder)
    shown = yaml.safe_dump(recipe.mergekit_config(), sort_keys=False)
    (folder / CONFIGURATION).write_text(shown, encoding="utf-8")
