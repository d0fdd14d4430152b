"""Who set a value: which file of a configuration, or --config on the command line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from growmerge.config.yaml_files import read_yaml

COMMAND_LINE = "--config"
UNKNOWN = "configuration"


class Origins:
    """The layers of a configuration, later ones over earlier ones: files, then what --config says."""

    def __init__(self, files: Sequence[Path] = (), command_line: Mapping[str, Any] | None = None) -> None:
        """Read the files. Raises GrowmergeError as `read_yaml` does."""
        self._layers: list[tuple[str, Any]] = [(str(file), read_yaml(file)) for file in files]
        if command_line:
            self._layers.append((COMMAND_LINE, command_line))

    def of(self, path: Sequence[str]) -> str:
        """The layer that sets the value at a key path; of a key that no layer has, the section that lacks it.

        Layers are merged as Snakemake does it: mappings key by key, while a list or a value replaces what is below it,
        so that what stands in a list comes from one layer alone.
        """
        layers = self._layers
        for part in path:
            found = [(name, _under(node, part)) for name, node in layers if _has(node, part)]
            if not found:
                break
            replaced = [i for i, (_, node) in enumerate(found) if not isinstance(node, Mapping)]
            last = len(found) - 1
            # A layer whose value is no mapping hides the layers below it; a mapping on top of it starts afresh.
            begin = 0 if not replaced else last if replaced[-1] == last else replaced[-1] + 1
            layers = found[begin:]
        return layers[-1][0] if layers else UNKNOWN


def _has(node: Any, part: str) -> bool:
    if isinstance(node, Mapping):
        return part in node
    return isinstance(node, list) and part.isdecimal() and int(part) < len(node)


def _under(node: Any, part: str) -> Any:
    return node[part] if isinstance(node, Mapping) else node[int(part)]
