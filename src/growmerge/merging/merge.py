"""Making merges: all that are asked for, tensor after tensor, as plain checkpoints or in memory."""

from __future__ import annotations

import json
import logging
import math
import shutil
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import torch
import yaml
from torch import Tensor
from transformers import LlamaForCausalLM

from growmerge import ids
from growmerge.artifacts import publish
from growmerge.errors import GrowmergeError
from growmerge.merging.apply import merge_tensor
from growmerge.merging.blocks import Workers, workers
from growmerge.merging.card import write_card
from growmerge.merging.held import Held
from growmerge.merging.inputs import Inputs, check_statistics
from growmerge.merging.operands import Operands, Values, Write, whole
from growmerge.merging.processes import can_fork, share_out
from growmerge.merging.recipe import Recipe
from growmerge.merging.writer import Writer
from growmerge.models.checkpoints import TOKENIZER_FILES, empty_model, fill, read_config
from growmerge.models.stored import WEIGHTS, finite

logger = logging.getLogger(__name__)
CONFIGURATION = "mergekit_config.yml"
Key = TypeVar("Key")  # of a merge: its folder or the name of its method
Task = tuple[str, tuple[Key, ...]]  # the name of a tensor, and the merges that are made from one reading of it
Save = Callable[[str, slice, Tensor], None]  # takes a part of a tensor that has this name
HELD = 2**24  # elements of a tensor that several merges share on the CPU: a larger one is read again, not touched anew


def merge_models(recipes: Mapping[Path, Recipe], inputs: Inputs | None = None) -> None:
    """Make merges of one dtype on one device, each into the folder that it is mapped to, atomically.

    The tensors are merged one after another, or shared out to as many processes as torch has threads: of a single merge
    in parts that are read whenever they are needed, of several from memory, into which each is read once. Without
    `inputs`, which are the checkpoints if they are known already, those are verified first. The same recipe gives the
    same bytes, whatever is made with it and with however many threads, on one kind of device. A folder loads with stock
    transformers and holds the tokenizer, a model card and, if mergekit has the method, the mergekit_config.yml of the
    same merge.

    Raises GrowmergeError for inputs that are damaged, do not fit together, or give something that is not finite.
    """
    start = time.monotonic()
    (device,) = {recipe.device for recipe in recipes.values()}
    with workers(device) as crew:
        if inputs is None:
            inputs = Inputs([path for recipe in recipes.values() for path in recipe.checkpoints], crew)
        with ExitStack() as stack:
            outputs = {}
            for folder, recipe in recipes.items():
                draft = stack.enter_context(
                    publish(folder, inputs=recipe.inputs, config=recipe.describe(), since=start)
                ).folder
                _write_beside_weights(draft, recipe)
                writer = Writer(draft / WEIGHTS, inputs.shapes, getattr(torch, recipe.dtype))
                outputs[folder] = stack.enter_context(writer).write
            _merge(recipes, outputs, inputs.shapes, inputs, crew)
    for folder, recipe in recipes.items():
        write_card(folder, recipe)


def keep_merge(folder: Path, recipe: Recipe, scores: Path) -> None:
    """Make one merge, with what the score folder `scores` has about it in its card."""
    merge_models({folder: recipe})
    write_card(folder, recipe, scores)


def merge_in_memory(
    recipes: Mapping[Key, Recipe], inputs: Inputs, crew: Workers, names: Iterable[str] | None = None
) -> dict[Key, dict[str, Tensor]]:
    """Merges of one dtype on one device, each as its tensors by name (`names`; default: all), on that device.

    To the bit what `merge_models` writes. Raises GrowmergeError as it does.
    """
    shapes = {name: inputs.shapes[name] for name in (inputs.shapes if names is None else names)}
    held = {key: Held(shapes, getattr(torch, recipe.dtype), recipe.device) for key, recipe in recipes.items()}
    _merge(recipes, {key: merge.write for key, merge in held.items()}, shapes, inputs, crew)
    return {key: merge.tensors for key, merge in held.items()}


def merged_model(recipe: Recipe, tensors: Mapping[str, Tensor], device: str) -> LlamaForCausalLM:
    """The merge that `merge_in_memory` gives as `tensors`, in fp32 on a device: as if written and loaded."""
    model = empty_model(_config(recipe), recipe.checkpoints[0])
    return fill(model, {name: tensor.to(device, torch.float32) for name, tensor in tensors.items()})


def _merge(
    recipes: Mapping[Key, Recipe],
    outputs: Mapping[Key, Save],
    shapes: Mapping[str, tuple[int, ...]],
    inputs: Inputs,
    crew: Workers,
) -> None:
    """Merge the tensors that `shapes` names, by all recipes."""
    ((device, dtype_name),) = {(recipe.device, recipe.dtype) for recipe in recipes.values()}
    dtype: torch.dtype = getattr(torch, dtype_name)
    folders = list(dict.fromkeys(path for recipe in recipes.values() for path in recipe.checkpoints))
    for recipe in recipes.values():
        for part in recipe.parts:
            check_statistics(part.of_statistics, part.members)
        if not recipe.mixed_dtypes:
            inputs.check_dtypes([recipe.members[code] for code in recipe.languages])
    with inputs.opened(folders):

        def merge(task: Task[Key], crew: Workers) -> None:
            name, keys = task
            values = {source: inputs.values(name, source, dtype) for source in folders}
            if device != "cpu" or len(keys) > 1:
                size = math.prod(shapes[name])
                values = {source: _held(values[source], size, device, crew) for source in folders}
            for key in keys:
                _merge_tensor(name, recipes[key].of_tensor(name), values, inputs, partial(outputs[key], name), crew)

        def merge_alone(task: Task[Key]) -> None:
            with workers() as alone:
                merge(task, alone)

        shared, alone = _dealt(_tasks(shapes, recipes, device), recipes)
        if device == "cpu" and crew.threads > 1 and can_fork():
            share_out(merge_alone, shared, crew.threads)
        else:
            alone += shared
        for task in alone:  # what takes whole tensors takes them one after another, with all threads
            merge(task, crew)


def _tasks(shapes: Mapping[str, tuple[int, ...]], recipes: Mapping[Key, Recipe], device: str) -> list[Task[Key]]:
    """What can be done in any order: a tensor for all merges, or for each by itself if it is too large to be held.

    The largest come first, so that no process is still busy with one when the others have nothing left.
    """
    tasks: list[Task[Key]] = []
    for name, shape in shapes.items():
        shared = device != "cpu" or math.prod(shape) <= HELD
        tasks += [(name, tuple(recipes))] if shared else [(name, (key,)) for key in recipes]
    return sorted(tasks, key=lambda task: math.prod(shapes[task[0]]) * len(task[1]), reverse=True)


def _dealt(tasks: Iterable[Task[Key]], recipes: Mapping[Key, Recipe]) -> tuple[list[Task[Key]], list[Task[Key]]]:
    """Tasks that can be shared out, as they go over a tensor part by part, and those that take a whole tensor."""
    shared: list[Task[Key]] = []
    alone: list[Task[Key]] = []
    for name, keys in tasks:
        methods = [recipes[key].of_tensor(name).registered for key in keys]
        (alone if any(method.takes_whole_tensors for method in methods) else shared).append((name, keys))
    return shared, alone


def _held(values: Values, size: int, device: str, crew: Workers) -> Values:
    """A tensor of a model in the memory of a device, read now."""
    return whole(values, size, crew).to(device).__getitem__


def _merge_tensor(
    name: str, recipe: Recipe, values: Mapping[Path, Values], inputs: Inputs, write: Write, crew: Workers
) -> None:
    """Merge the tensor `name` and `write` it part by part.

    Raises GrowmergeError if it, or what it is made from, is not finite.
    """
    dtype: torch.dtype = getattr(torch, recipe.dtype)
    operands = Operands(
        name=name,
        shape=inputs.shapes[name],
        languages=recipe.languages,
        members=[values[recipe.members[code]] for code in recipe.languages],
        base=values[recipe.base] if recipe.uses_base else None,
        parameters=recipe.for_tensor(name, inputs.layers),
        seed=recipe.seed,
        statistics=recipe.statistics_for(name),
    )
    sound = []

    def check_and_write(part: slice, merged: Tensor) -> None:
        sound.append(finite(merged))
        write(part, merged)

    if recipe.registered.takes_whole_tensors:
        inputs.check_finite(name, recipe.checkpoints, dtype, crew)
    merge_tensor(recipe.registered, operands, crew, check_and_write)
    if not all(sound):  # nothing of the inputs is left out, so what is not finite in them shows in the merge
        inputs.check_finite(name, recipe.checkpoints, dtype, crew)
        raise GrowmergeError(
            f"tensor {name} of {ids.combination(recipe.languages)}, merged by {recipe.method.name}, has values that "
            "are not finite; choose another merging.dtype or other parameters of the method"
        )


def _config(recipe: Recipe) -> dict[str, Any]:
    """What config.json says of a merge: the configuration of its first member, and its dtype."""
    config = read_config(recipe.checkpoints[0])
    return {k: v for k, v in config.items() if k not in ("torch_dtype", "_name_or_path")} | {"dtype": recipe.dtype}


def _write_beside_weights(folder: Path, recipe: Recipe) -> None:
    """The configuration, the tokenizer and mergekit's configuration, if it has the method: all but weights and card."""
    source = recipe.checkpoints[0]
    text = json.dumps(_config(recipe), indent=2, sort_keys=True, ensure_ascii=False)
    (folder / "config.json").write_text(text + "\n", encoding="utf-8")
    for name in TOKENIZER_FILES:
        if (source / name).exists():
            shutil.copy(source / name, folder)
    if recipe.by_mergekit:
        shown = yaml.safe_dump(recipe.mergekit_config(), sort_keys=False)
        (folder / CONFIGURATION).write_text(shown, encoding="utf-8")
