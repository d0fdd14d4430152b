"""mergekit's merge methods that can merge every combination: what they take, and what they ignore.

A copy of mergekit's registry (version 0.1.5; a test holds the two together), so that the configuration is checked
before any job and without importing torch. Left out are methods for exactly two models of which one is the base (slerp,
nearswap, arcee_fusion) and passthrough, which takes one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

WEIGHT = "weight"
COEFFICIENTS = "coefficients"  # the statistic of methods whose coefficients are fitted to text
TUNED = frozenset({"steps", "learning_rate", "texts"})  # the parameters of such a method


@dataclass(frozen=True)
class Kind:
    """What a method takes.

    `base` says whether it works on differences to a base model; `members` is the fewest and most models beside the
    base; `of_model` and `of_merge` are its parameters with their types, for each member or for the merge as a whole;
    `ignored` are those that mergekit takes and does not use; `draws` says whether it needs random numbers. `required`
    are parameters without a default; `statistics` are the names of statistics of the members that it reads; `ranges`
    are the lowest and the highest values of parameters that are limited; `of_tokens` says that it merges the embedding
    and the head alone.
    """

    base: Literal["required", "optional", "ignored"]
    of_model: Mapping[str, type]
    of_merge: Mapping[str, type]
    members: tuple[int, int | None] = (1, None)
    ignored: frozenset[str] = frozenset()
    draws: bool = False
    required: frozenset[str] = frozenset()
    statistics: tuple[str, ...] = ()
    ranges: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    of_tokens: bool = False

    @property
    def parameters(self) -> dict[str, type]:
        """All of them."""
        return {**self.of_model, **self.of_merge}


_TASK_MODEL: dict[str, type] = {WEIGHT: float, "density": float}
_TASK_MERGE: dict[str, type] = {"normalize": bool, "rescale": bool, "lambda": float, "int8_mask": bool}

KINDS: dict[str, Kind] = {
    "linear": Kind("ignored", {WEIGHT: float}, {"normalize": bool}),
    "task_arithmetic": Kind("required", _TASK_MODEL, _TASK_MERGE, ignored=frozenset({"density", "rescale"})),
    "ties": Kind("required", _TASK_MODEL, _TASK_MERGE),
    "dare_ties": Kind("required", _TASK_MODEL, _TASK_MERGE, draws=True),
    "dare_linear": Kind("required", _TASK_MODEL, _TASK_MERGE, draws=True),
    "breadcrumbs": Kind("required", _TASK_MODEL | {"gamma": float}, _TASK_MERGE),
    "breadcrumbs_ties": Kind("required", _TASK_MODEL | {"gamma": float}, _TASK_MERGE),
    "della": Kind("required", _TASK_MODEL | {"epsilon": float}, _TASK_MERGE, draws=True),
    "della_linear": Kind("required", _TASK_MODEL | {"epsilon": float}, _TASK_MERGE, draws=True),
    "multislerp": Kind("optional", {WEIGHT: float}, {"normalize_weights": bool, "eps": float}),
    "nuslerp": Kind("optional", {WEIGHT: float}, {"nuslerp_row_wise": bool, "nuslerp_flatten": bool}, members=(2, 2)),
    "karcher": Kind("ignored", {}, {"max_iter": int, "tol": float}),
    "model_stock": Kind("required", {}, {"filter_wise": bool}, members=(2, None)),
    "sce": Kind("required", {}, {"int8_mask": bool, "select_topk": float}),
    "ram": Kind("required", {}, {"epsilon": float}),
    "ramplus_tl": Kind("required", {}, {"r": float, "alpha": float, "epsilon": float}),
}
