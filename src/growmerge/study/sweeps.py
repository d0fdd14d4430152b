"""Variants of merge methods that differ in their density alone. Pure: the rules need it."""

from __future__ import annotations

from collections.abc import Iterable

from growmerge.config.merging import Method


def density_sweeps(methods: Iterable[Method]) -> dict[str, dict[float, str]]:
    """Method of the registry -> density -> name, for the methods of which the study has several densities.

    Methods that differ in more than their density are not compared; of each method the largest group that differs in
    nothing else counts, the first one of several.
    """
    groups: dict[tuple[str, str], dict[float, str]] = {}
    for method in methods:
        density = method.parameters.get("density")
        if isinstance(density, bool) or not isinstance(density, int | float):
            continue  # none, or a list over the layers
        rest = {key: value for key, value in sorted(method.parameters.items()) if key != "density"}
        others = method.model_dump(exclude={"name", "method", "parameters"})
        groups.setdefault((method.registered, repr((rest, others))), {}).setdefault(float(density), method.name)
    sweeps: dict[str, dict[float, str]] = {}
    for (name, _), group in groups.items():
        if len(group) > max(1, len(sweeps.get(name, {}))):
            sweeps[name] = dict(sorted(group.items()))
    return sweeps


def main_methods(methods: Iterable[Method]) -> list[str]:
    """The names of methods without the further densities of a sweep: of each sweep, the first one configured."""
    methods = list(methods)
    named = [method.name for method in methods]
    sweeps = [set(names.values()) for names in density_sweeps(methods).values()]
    further = {name for swept in sweeps for name in [n for n in named if n in swept][1:]}
    return [name for name in named if name not in further]
