"""What stands under `add` extends the lists of the configuration below it, where any other list replaces them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from growmerge.config.problems import Problem, did_you_mean

ADD = "add"
# The name under `add` -> the list that it extends.
LISTS: Mapping[str, tuple[str, ...]] = {
    **{name: (name,) for name in ("languages", "corpora", "packages", "bases", "setups", "external", "benchmarks")},
    "methods": ("merging", "methods"),
}
Path = tuple[str, ...]


def merge_mappings(base: Mapping[str, Any], overlay: Mapping[str, Any]) -> dict[str, Any]:
    """Overlay key by key; lists and scalars are replaced. The rule of Snakemake's --configfile."""
    merged = dict(base)
    for key, value in overlay.items():
        both = isinstance(value, Mapping) and isinstance(merged.get(key), Mapping)
        merged[key] = merge_mappings(merged[key], value) if both else value
    return merged


def fold(layers: Sequence[Mapping[str, Any]]) -> tuple[dict[str, Any], dict[Path, tuple[int, Path]]]:
    """The layers over one another, and where each added member is written: {its path: (number of the layer, path)}.

    A layer's own lists replace those below it before its `add` extends them. Raises Problem for an `add` that is not
    {name of a list: list}.
    """
    data: dict[str, Any] = {}
    places: dict[Path, tuple[int, Path]] = {}
    for number, layer in enumerate(layers):
        added = layer.get(ADD, {})
        data = merge_mappings(data, {key: value for key, value in layer.items() if key != ADD})
        for path in [path for path in places if value_at(layer, path[:-1]) is not None]:
            del places[path]  # the layer replaces the list
        for name, members in _checked(added).items():
            path = LISTS[name]
            present = value_at(data, path)
            present = list(present) if isinstance(present, list) else []
            for i, member in enumerate(members):
                places[*path, str(len(present))] = number, (ADD, name, str(i))
                present.append(member)
            data = merge_mappings(data, _nested(path, present))
    return data, places


def _checked(added: Any) -> Mapping[str, list[Any]]:
    if not isinstance(added, Mapping):
        raise Problem(ADD, added, "must be a mapping such as {languages: [dan, nob]}")
    for name, members in added.items():
        if name not in LISTS:
            raise Problem(f"{ADD}.{name}", members, f"there is no such list to extend; {did_you_mean(name, LISTS)}")
        if not isinstance(members, list):
            raise Problem(f"{ADD}.{name}", members, "must be a list, in brackets or with a dash before each member")
    return added


def value_at(node: Any, path: Sequence[str]) -> Any:
    """The value at a path of keys in nested mappings; None if there is none."""
    for part in path:
        node = node.get(part) if isinstance(node, Mapping) else None
    return node


def _nested(path: Path, value: Any) -> dict[str, Any]:
    for part in reversed(path):
        value = {part: value}
    return value
