"""Which tables and figures a study has, and which models are in each. Pure, for Snakemake's parsing."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from growmerge.ids import split_seed
from growmerge.study.grid import Model
from growmerge.study.shown import Shown

if TYPE_CHECKING:
    from growmerge.figures.common.figure import Figure


class Tabulated:
    """The tables of a study. Each figure is drawn from a table of its name; further tables are read by people.

    `figures` are all that there can be; those that have no models in this study are not drawn. `compared`: whether the
    study has comparisons of models, without which figures of them are not drawn either.
    """

    def __init__(self, shown: Shown, figures: Mapping[str, Figure], *, compared: bool) -> None:
        self.shown, self._figures, self._compared = shown, figures, compared
        self._grid = shown.grid

    # --- figures --------------------------------------------------------------------------------------------------

    @cached_property
    def _drawn(self) -> dict[str, list[Model]]:
        """Figure -> the models that it shows."""
        found = {name: list(figure.models(self.shown)) for name, figure in self._figures.items()}
        return {name: models for name, models in found.items() if models}

    @property
    def figures(self) -> list[str]:
        """All figures, by the table that they are drawn from."""
        return [*self._of("scores"), *self.comparison_figures, *self.gap_figures, *self.tokenizer_figures]

    @property
    def comparison_figures(self) -> list[str]:
        """The figures that are drawn from comparisons of models, if there are any."""
        return self._of("comparisons") if self._compared else []

    @property
    def gap_figures(self) -> list[str]:
        """The figures of shares of the gap to joint training, if there are any candidates for it."""
        return self._of("gap") if self.shown.candidates else []

    @property
    def tokenizer_figures(self) -> list[str]:
        """The figures that are known before any training."""
        return self._of("tokenizer")

    @cached_property
    def contrasted(self) -> dict[str, list[str]]:
        """Figure -> the kinds of contrasts between its models that it asks for, if it does."""
        found = {name: list(self._figures[name].contrasts(self.shown)) for name in self._of("scores")}
        return {name: kinds for name, kinds in found.items() if kinds}

    def _of(self, source: str) -> list[str]:
        return [name for name in self._drawn if self._figures[name].source == source]

    # --- tables ---------------------------------------------------------------------------------------------------

    @property
    def tables(self) -> list[str]:
        """All tables, but for that of translations, which is also a page."""
        return [
            *self.models,
            *self.gap_figures,
            *self.tokenizer_figures,
            *(f"{name}_contrasts" for name in self.contrasted),
            "contrasts",
            "benchmarks",
            "signal",
            "by_language",
            "means",
            *(["trainings"] if self._grid.trained else []),
            *self.comparison_figures,
        ]

    @cached_property
    def models(self) -> dict[str, list[Model]]:
        """Table of scores -> its models: those of a figure, or all."""
        return {name: self._drawn[name] for name in self._of("scores")} | {"scores": self.shown.scored}

    @cached_property
    def averaged(self) -> dict[str, list[Model]]:
        """Table of scores -> its models that it has means over seeds of: none if its figure shows the first seed."""
        shows_first = {name for name in self._of("scores") if not self._figures[name].over_seeds}
        return {table: [] if table in shows_first else models for table, models in self.models.items()}

    @cached_property
    def with_replicates(self) -> dict[str, list[Model]]:
        """Table of scores -> its models, with the replicates that it averages over."""
        grid = self._grid
        return {t: list(dict.fromkeys([*self.models[t], *grid.with_replicates(m)])) for t, m in self.averaged.items()}

    def groups(self, table: str) -> list[dict[str, Any]]:
        """The groups of a table's models whose means its figure shows, as plain data."""
        figure = self._figures.get(table)
        return [group._asdict() for group in figure.groups(self.shown)] if figure else []

    @cached_property
    def first(self) -> list[Model]:
        """The models of the first seed: contrasts are between them, and pair their replicates with one another."""
        return [model for model in self.shown.scored if split_seed(model.id)[1] is None]

    @cached_property
    def of_gap(self) -> list[Model]:
        """The models whose scores the table of the gap needs, of the first seed."""
        named = dict.fromkeys(name for candidate in self.shown.candidates for name in candidate.models)
        return [self._grid.model(name) for name in named]

    @cached_property
    def judged(self) -> list[Model]:
        """The models that show whether a benchmark can tell models apart, and replicates, whose spread is its noise."""
        return self._grid.with_replicates(self.shown.judged)
