"""Groups of models whose means figures show. Pure, for Snakemake's parsing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from growmerge.study.grid import Model


class Group(NamedTuple):
    """Experts or merges of a setup whose scores are averaged.

    Attributes:
        setup: its name.
        method: that of the merges; empty for experts, and for merges by all methods.
        members: how many languages each merge has; 1 for experts, 0 for merges of any number.
        models: ids, of the first seed.
    """

    setup: str
    method: str
    members: int
    models: tuple[str, ...]


def groups_of(models: Iterable[Model], *, sizes: bool = True) -> list[Group]:
    """The experts among `models` by setup, and the merges by setup and method.

    With `sizes`, the merges also by setup and number of languages, and by setup, method and number of languages.
    """
    found: dict[tuple[str, str, int], list[str]] = {}
    for model in models:
        size = len(model.languages)
        if model.kind == "model":
            keys = [("", 1)]
        else:
            keys = [(model.method, 0), *([("", size), (model.method, size)] if sizes else [])]
        for method, members in keys:
            found.setdefault((model.setup, method, members), []).append(model.id)
    return [Group(*key, tuple(names)) for key, names in found.items()]
