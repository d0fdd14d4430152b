"""What a figure shows: languages, setups, methods, and what it alone wants to know. Pure, for Snakemake's parsing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from growmerge.config.analysis import Analysis

VALUES = ("value", "low", "high", "n", "chance")  # the columns of a score


@dataclass(frozen=True)
class Selection:
    """The languages, setups and methods of a figure, in the order in which they are drawn.

    `method` is the one that pairs are merged by where one is shown. English is measured as what is kept, and is no
    target. `names` are those of all these languages, by code. `noiseless` are the setups whose models descend from a
    clone without noise. `seeds` are those of a study with several; with `over_seeds`, values are means over them, else
    those of the first. `own` is what the figure's `selection` says beside these, as plain data; its file says what
    that is.
    """

    languages: tuple[str, ...]
    setups: tuple[str, ...]
    methods: tuple[str, ...] = ()
    method: str = "linear"
    english: str = "eng"
    names: Mapping[str, str] = field(default_factory=dict)
    noiseless: tuple[str, ...] = ()
    seeds: tuple[int, ...] = ()
    over_seeds: bool = False
    own: Mapping[str, Any] = field(default_factory=dict)

    @property
    def averaged(self) -> bool:
        """Whether values are means over several seeds."""
        return len(self.seeds) > 1 and self.over_seeds

    @classmethod
    def of(cls, plain: Mapping[str, Any], analysis: Analysis) -> Selection:
        """The selection that `Figure.selected` gave as plain data; lists are read as tuples."""
        lists = {key: tuple(value) if isinstance(value, list) else value for key, value in plain.items()}
        shared = {f.name for f in fields(cls)}
        own = {key: value for key, value in lists.items() if key not in shared}
        common: dict[str, Any] = {key: value for key, value in lists.items() if key in shared}
        return cls(**common, method=analysis.pairwise_method, own=own)
