"""Where a tensor of a Llama stands: its layer and its kind, read off its name."""

from __future__ import annotations

import re
from typing import NamedTuple

TENSOR_KINDS = ("embedding", "q", "k", "v", "o", "gate", "up", "down", "norm", "head")

_LAYER = re.compile(r"model\.layers\.(\d+)\.")
_PROJECTION = re.compile(r"\.(q|k|v|o|gate|up|down)_proj\.")


class Place(NamedTuple):
    """Where a tensor stands: its decoder layer, counted from 0 (None for those outside), and its kind."""

    layer: int | None
    kind: str


def place_of(name: str) -> Place:
    """The place of a tensor of a Llama, by its name; `kind` is one of `TENSOR_KINDS`."""
    layer = _LAYER.match(name)
    projection = _PROJECTION.search(name)
    if projection:
        kind = projection[1]
    elif "norm" in name:
        kind = "norm"
    else:
        kind = "head" if name.startswith("lm_head") else "embedding"
    return Place(int(layer[1]) if layer else None, kind)
