"""Means over the models of a group, such as all merges by a method, with intervals over seeds and items."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from growmerge.ids import ALL, split_seed
from growmerge.study.groups import Group
from growmerge.tables.cells import Cell, Key
from growmerge.tables.seeds import Items, mean_over_seeds
from growmerge.tables.statistics import Interval


class GroupMean(NamedTuple):
    """The mean of a group in a measure; NaN throughout without an interval. `n` counts the items, of all languages."""

    group: Group
    measure: str
    interval: Interval
    n: int
    seeds: int


class GroupMeans:
    """Means over groups of models, of each model's mean over its languages of the score in that language.

    All models of a group are scored on the same items, and each is made with every seed. So the values of an item are
    averaged over the models, and `seeds.mean_over_seeds` has the interval. Items of different languages count as
    independent; where they are translations of one another, it is somewhat too narrow. Models are added one at a time,
    since the items of all together would be gigabytes.
    """

    def __init__(self, groups: Iterable[Group]) -> None:
        self._groups: dict[str, list[Group]] = {}
        for group in groups:
            for model in group.models:
                self._groups.setdefault(model, []).append(group)
        self._sums: dict[tuple[Group, str], _Sum] = {}

    def add(
        self, model: str, languages: Iterable[str], by_seed: Mapping[str, Mapping[Key, Cell]], means: Mapping[Key, Cell]
    ) -> None:
        """Add a model (id of the first seed): the cells of its replicates by id, if they have any, and their `means`.

        If it lacks scores with a seed that another model has, its groups have no interval; likewise if one of its
        `means` has none, since there are too few items.
        """
        seeds = [split_seed(name)[1] for name, cells in by_seed.items() if cells]
        known = [cells for cells in by_seed.values() if cells]
        chosen = [key for key in dict.fromkeys(key for cells in known for key in cells) if key.subset == ALL]
        for measure in dict.fromkeys(key.measure for key in chosen):
            keys = [key for key in chosen if key.measure == measure and key.language in set(languages)]
            enough = all(key in means and not np.isnan(means[key].interval.low) for key in keys)
            for group in self._groups.get(model, []) if keys else []:
                total = self._sums.setdefault((group, measure), _Sum(seeds))
                if enough and total.seeds == seeds and len(seeds) > 1:
                    total.add([(key.language, [cells[key] for cells in known]) for key in keys])
                else:
                    total.spoil()

    def __iter__(self) -> Iterator[GroupMean]:
        for (group, measure), total in self._sums.items():
            yield GroupMean(group, measure, total.mean(), total.n, len(total.seeds))


class _Sum:
    """Scores of one measure, added up over models."""

    def __init__(self, seeds: Sequence[int | None]) -> None:
        self.seeds = seeds
        self._spoiled = False
        self._models = 0
        self._values = np.zeros(len(seeds))
        # By language and stratum: its share of the scores, the values of its items times these shares, `Items.shares`.
        self._parts: dict[tuple[str, int], tuple[float, NDArray[np.float64], bool]] = {}

    def spoil(self) -> None:
        """There is no mean any more."""
        self._spoiled = True
        self._parts.clear()

    def add(self, cells: Sequence[tuple[str, Sequence[Cell]]]) -> None:
        """Add the scores of a model in each language, by seed."""
        if self._spoiled:
            return
        self._models += 1
        self._values += np.mean([[cell.interval.mean for cell in by_seed] for _, by_seed in cells], axis=0)
        for language, by_seed in cells:
            items = [cell.items for cell in by_seed if cell.items]
            strata = [np.mean(stratum, axis=0) for stratum in zip(*(one.strata for one in items), strict=True)]
            share = 1 / len(cells) / len(strata)
            for place, values in enumerate(strata):
                before = self._parts.get((language, place), (0.0, 0.0, False))
                self._parts[language, place] = (before[0] + share, before[1] + share * values, items[0].shares)

    @property
    def n(self) -> int:
        """The number of items."""
        return sum(values.size for _, values, _ in self._parts.values())

    def mean(self) -> Interval:
        """The mean over models and seeds."""
        if self._spoiled:
            return Interval(np.nan, np.nan, np.nan)
        parts = self._parts.values()
        weights = [len(parts) * share / self._models for share, _, _ in parts]
        items = Items([values / share for share, values, _ in parts], next(iter(parts))[2], weights)
        return mean_over_seeds(list(self._values / self._models), [items])
