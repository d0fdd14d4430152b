"""mergekit's merge methods, adapted into the registry: by our code in parts, if it is much faster, else by mergekit's.

What each takes stands in `growmerge.catalogue.merge_methods`. The functions import what they need when they are first
called, since rules read this file, too.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from importlib import import_module
from typing import Any

from growmerge.catalogue.merge_methods import KINDS, WEIGHT, Kind
from growmerge.catalogue.merge_registry import MergeMethod

# Method -> the module of growmerge.merging that has a function of its name. Each needs a few blocks of memory
# (multislerp a few tensors), and gives something that is not finite where a member is not: whatever they leave out,
# they leave out by multiplying by zero.
IN_PARTS = {
    "linear": "by_mergekit",
    "task_arithmetic": "sparse",
    "ties": "sparse",
    "dare_ties": "sparse",
    "dare_linear": "sparse",
    "multislerp": "multislerp",
}


def _in_parts(name: str, *task: Any) -> None:
    getattr(import_module(f"growmerge.merging.{IN_PARTS[name]}"), name)(*task)


def _whole(name: str, tensors: Any, **parameters: Any) -> Any:
    return import_module("growmerge.merging.by_mergekit").merge_whole(name, tensors, **parameters)


def _function(name: str) -> Callable[..., Any]:
    return partial(_in_parts if name in IN_PARTS else _whole, name)


def _needing_weights(kind: Kind) -> Kind:
    """mergekit has a default for all parameters except weights."""
    return replace(kind, required=frozenset({WEIGHT} & kind.of_model.keys()))


METHODS = [
    MergeMethod(name, _needing_weights(kind), _function(name), in_parts=name in IN_PARTS)
    for name, kind in KINDS.items()
]
