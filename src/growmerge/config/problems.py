"""How a fault of the configuration is told: its key, its value, what is wrong, the nearest spelling."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from typing import Any


class Problem(Exception):
    """A value that does not fit the rest of the study; `growmerge.config.load` says in which file it is set."""

    def __init__(self, key: str, value: Any, message: str) -> None:
        super().__init__(f"{key} = {value!r}: {message}")
        self.key = key
        self.value = value
        self.message = message
        self.others: list[Problem] = []  # further ones, that the same check has found


def raise_all(problems: Iterable[Problem]) -> None:
    """Raise the first of the problems with the others in it; nothing if there are none."""
    found = [*problems]
    if found:
        found[0].others = found[1:]
        raise found[0]


def did_you_mean(value: Any, known: Iterable[str]) -> str:
    """The nearest spelling, else what there is to choose from."""
    known = sorted(known)
    near = difflib.get_close_matches(str(value), known, n=1)
    return f"did you mean '{near[0]}'?" if near else f"known: {', '.join(known)}"


def check_unique(key: str, values: Sequence[str]) -> None:
    """Raise Problem at the first value that is there twice."""
    for i, value in enumerate(values):
        if value in values[:i]:
            raise Problem(f"{key}.{i}", value, "occurs twice; names must be unique")


def check_known(key: str, value: str, known: Iterable[str], what: str) -> None:
    """Raise Problem if `value` is not among the `known` things, of the kind `what`."""
    known = list(known)
    if value not in known:
        raise Problem(key, value, f"no such {what}; {did_you_mean(value, known)}")
