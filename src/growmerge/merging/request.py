"""What a rule asks for: merges of one combination, as recipes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch

from growmerge import ids
from growmerge.catalogue.merge_registry import merge_methods, statistics_of
from growmerge.errors import GrowmergeError
from growmerge.merging.members import members_of
from growmerge.merging.recipe import Recipe
from growmerge.study.merge_params import method_of


@dataclass(frozen=True)
class Request:
    """Merges of one combination of languages by `methods`.

    `holders` are the models of the languages, or what holds their checkpoints, in the order of the combination, see
    `members_of`. `methods` are what `growmerge.study.merge_params` makes of the configured ones, `bases` map their
    names to base models. `modules` are the files of the user's that define some of them. `statistics` are the artifacts
    that they ask for: by name of the statistic, and of each name by language (`Layout.merge_statistics`).
    """

    combination: str
    holders: Sequence[Path]
    methods: Sequence[Mapping[str, Any]]
    bases: Mapping[str, Path]
    modules: Sequence[Path]
    statistics: Sequence[Path]
    dtype: str
    seed: int
    device: Literal["cpu", "cuda", "auto"]
    mixed_dtypes: bool

    def recipes(self) -> dict[str, Recipe]:
        """Its merges by the names of their methods. Raises GrowmergeError for what `members_of` and a device lack."""
        configured = [method_of(params) for params in self.methods]
        registry = merge_methods(self.modules)
        names = statistics_of(registry[method.registered] for method in configured)
        codes = ids.languages_of(self.combination)
        paths = iter(self.statistics)
        statistics = {name: {code: next(paths) for code in codes} for name in names}
        members, device = members_of(self.combination, self.holders), device_for(self.device)
        return {
            method.name: Recipe(
                members,
                self.bases[method.name],
                method,
                self.dtype,
                self.seed,
                device,
                self.mixed_dtypes,
                tuple(self.modules),
                statistics,
            )
            for method in configured
        }


def device_for(asked: Literal["cpu", "cuda", "auto"]) -> str:
    """The device to merge on: `auto` is the GPU where there is one. Raises GrowmergeError for `cuda` without one."""
    there = torch.cuda.is_available()
    if asked == "cuda" and not there:
        raise GrowmergeError("merging.device = 'cuda': this job sees no GPU; set it to 'auto' or 'cpu'")
    return "cuda" if there and asked != "cpu" else "cpu"
