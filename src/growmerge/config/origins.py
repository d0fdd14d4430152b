"""Who set a value: which file of a configuration, or --config on the command line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from growmerge.config.adding import merge_mappings
from growmerge.config.yaml_files import read_yaml

COMMAND_LINE = "--config"
UNKNOWN = "configuration"


class Origins:
    """The layers of a configuration, later ones over earlier ones: files, then what --config says."""

    def __init__(self, files: Sequence[Path] = (), command_line: Mapping[str, Any] | None = None) -> None:
        """Read the files. Raises GrowmergeError as `read_yaml` does."""
        self.layers: list[tuple[str, Any]] = [(str(file), read_yaml(file)) for file in files]
        if command_line:
            self.layers.append((COMMAND_LINE, command_line))
        # What stands elsewhere in the files than in the study: {path: (number of its layer, path there)}.
        self.places: dict[tuple[str, ...], tuple[int, tuple[str, ...]]] = {}

    def merged(self) -> dict[str, Any]:
        """The layers over one another, as Snakemake merges them."""
        data: dict[str, Any] = {}
        for _, layer in self.layers:
            data = merge_mappings(data, layer)
        return data

    def of(self, path: Sequence[str]) -> str:
        """The layer that sets the value at a key path; of a key that no layer has, the section that lacks it."""
        number = self.number(path)
        return UNKNOWN if number is None else self.layers[number][0]

    def written(self, path: Sequence[str]) -> tuple[str, ...]:
        """The key path as the user wrote it: of a language that was added, `add.languages.0`."""
        moved = self._moved(path)
        return tuple(path) if moved is None else (*moved[1][1], *path[len(moved[0]) :])

    def number(self, path: Sequence[str]) -> int | None:
        """The number of that layer, from 0.

        Layers are merged as Snakemake does it: mappings key by key, while a list or a value replaces what is below it,
        so that what stands in a list comes from one layer alone, but for members that `add` brings.
        """
        if moved := self._moved(path):
            return moved[1][0]
        layers = [(number, node) for number, (_, node) in enumerate(self.layers)]
        for part in path:
            found = [(number, _under(node, part)) for number, node in layers if _has(node, part)]
            if not found:
                break
            replaced = [i for i, (_, node) in enumerate(found) if not isinstance(node, Mapping)]
            last = len(found) - 1
            # A layer whose value is no mapping hides the layers below it; a mapping on top of it starts afresh.
            begin = 0 if not replaced else last if replaced[-1] == last else replaced[-1] + 1
            layers = found[begin:]
        return layers[-1][0] if layers else None

    def _moved(self, path: Sequence[str]) -> tuple[tuple[str, ...], tuple[int, tuple[str, ...]]] | None:
        parts = tuple(path)
        for depth in range(len(parts), 0, -1):
            if parts[:depth] in self.places:
                return parts[:depth], self.places[parts[:depth]]
        return None


def _has(node: Any, part: str) -> bool:
    if isinstance(node, Mapping):
        return part in node
    return isinstance(node, list) and part.isdecimal() and int(part) < len(node)


def _under(node: Any, part: str) -> Any:
    return node[part] if isinstance(node, Mapping) else node[int(part)]
