"""What a rule asks for: merges of one combination, as recipes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch

from growmerge import ids
from growmerge.catalogue.merge_registry import asked_statistics, merge_methods
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
    that they ask for: in the order of `asked_statistics`, each for all languages (`Layout.merge_statistics`).
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
        asked = asked_statistics({m.name: [registry[part.registered] for part in m.parts] for m in configured})
        statistics = _by_language(asked, ids.languages_of(self.combination), self.statistics)
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
                {name: found for (name, owner), found in statistics.items() if owner in ("", method.name)},
            )
            for method in configured
        }


def device_for(asked: Literal["cpu", "cuda", "auto"]) -> str:
    """The device to merge on: `auto` is the GPU where there is one. Raises GrowmergeError for `cuda` without one."""
    there = torch.cuda.is_available()
    if asked == "cuda" and not there:
        raise GrowmergeError("merging.device = 'cuda': this job sees no GPU; set it to 'auto' or 'cpu'")
    return "cuda" if there and asked != "cpu" else "cpu"


def recipe_to_tune(
    combination: str,
    holders: Sequence[Path],
    params: Mapping[str, Any],
    base: Path,
    modules: Sequence[Path],
    statistics: Sequence[Path],
    seed: int,
) -> Recipe:
    """The merge by a method whose coefficients are still to be fitted, in fp32 on the CPU.

    Arguments are those of `Request`. `statistics` are only those that the method of the embedding asks for, if there is
    another one for it.
    """
    method, registry = method_of(params), merge_methods(modules)
    asked = asked_statistics({method.name: [registry[part.registered] for part in method.parts[1:]]})
    found = _by_language(asked, ids.languages_of(combination), statistics)
    return Recipe(
        members_of(combination, holders),
        base,
        method,
        "float32",
        seed,
        modules=tuple(modules),
        statistics={name: folders for (name, _), folders in found.items()},
    )


def _by_language(
    asked: Sequence[tuple[str, str]], codes: Sequence[str], paths: Iterable[Path]
) -> dict[tuple[str, str], dict[str, Path]]:
    """The artifacts `paths` of the statistics `asked`, by language."""
    given = iter(paths)
    return {one: {code: next(given) for code in codes} for one in asked}
