"""The figures by name: what each plots, how it is drawn, what stands under it."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

import matplotlib.figure
import pandas as pd

from growmerge.config.analysis import Analysis
from growmerge.figures.baselines import baselines_data, draw_baselines
from growmerge.figures.captions import caption
from growmerge.figures.compute_matched import compute_matched_data, draw_compute_matched
from growmerge.figures.density import density_data, draw_density
from growmerge.figures.language_vectors import draw_language_vectors, language_vectors_data
from growmerge.figures.methods import draw_methods, methods_data
from growmerge.figures.over_training import draw_over_training, over_training_data
from growmerge.figures.pairwise import draw_pairwise, pairwise_data
from growmerge.figures.selection import Selection
from growmerge.figures.series import draw_series, series_data
from growmerge.figures.sharing import draw_sharing, sharing_data
from growmerge.figures.similarity_and_drop import draw_similarity_and_drop, similarity_and_drop_data
from growmerge.figures.style import save_figure
from growmerge.tables.summary import MEASURES

__all__ = ["FIGURES", "Figure", "Selection", "save_figure"]


@dataclass(frozen=True)
class Figure:
    """A figure: `draw(data(table, selection))` draws it, and the data is saved as the CSV beside it.

    The table is a summary of scores; for `language_vectors` the comparisons of all setups, for `similarity_and_drop`
    the pairs of `drops.similarity_and_drop`.
    """

    name: str
    data: Callable[[pd.DataFrame, Selection], pd.DataFrame]
    draw: Callable[[pd.DataFrame], matplotlib.figure.Figure]

    def caption(
        self, selection: Selection, analysis: Analysis, *, study: str, measures: Collection[str] = MEASURES
    ) -> str:
        """The text under the figure; see `captions.caption`."""
        return caption(self.name, selection, analysis, study=study, measures=measures)


FIGURES = {
    figure.name: figure
    for figure in (
        Figure("baselines", baselines_data, draw_baselines),
        Figure("pairwise", pairwise_data, draw_pairwise),
        Figure("methods", methods_data, draw_methods),
        Figure("compute_matched", compute_matched_data, draw_compute_matched),
        Figure("density", density_data, draw_density),
        Figure("over_training", lambda t, s: over_training_data(t, s, s.steps, s.tokens_per_step), draw_over_training),
        Figure("series", lambda t, s: series_data(t, s, s.orders), draw_series),
        Figure("sharing", lambda t, s: sharing_data(t, s, s.shares), draw_sharing),
        Figure("language_vectors", language_vectors_data, draw_language_vectors),
        Figure("similarity_and_drop", similarity_and_drop_data, draw_similarity_and_drop),
    )
}
