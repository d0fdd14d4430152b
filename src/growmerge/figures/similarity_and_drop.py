"""Similarity of two models against what merging them costs (Aycock et al. 2026, Figure 3), setups side by side."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from growmerge.figures import style
from growmerge.figures.selection import Selection
from growmerge.ids import MEAN
from growmerge.tables.drops import PAIR_COLUMNS, SIMILARITIES
from growmerge.tables.summary import measure_order

COLUMNS = (*PAIR_COLUMNS, "n", "pearson", "spearman")
# Of the variants of a measure, those that are drawn; the table has all.
DRAWN = [name for name in SIMILARITIES if name not in ("cka_without_first", "sign_conflicts", "mean_l2_difference")]
FEWEST = 3  # points, for a coefficient


def similarity_and_drop_data(pairs: pd.DataFrame, selection: Selection) -> pd.DataFrame:
    """What is plotted, one line per mark: `drops.PAIR_COLUMNS` of the selected setups and languages.

    `pearson` and `spearman` are the coefficients of `x` and `delta` over the `n` pairs of the mark's panel, its measure
    and similarity in all setups together, that have both; NaN for fewer than `FEWEST`.
    """
    chosen = pairs[
        pairs["setup"].isin(selection.setups)
        & pairs["first"].isin(selection.languages)
        & pairs["second"].isin(selection.languages)
        & pairs["similarity"].isin(DRAWN)
    ]
    parts = []
    for _, part in chosen.groupby(["measure", "similarity"], sort=False):
        known = part[["x", "delta"]].dropna()
        varied = len(known) >= FEWEST and bool((known.max() > known.min()).all())
        found = {name: known["x"].corr(known["delta"], name) if varied else float("nan") for name in COLUMNS[-2:]}
        parts.append(part.assign(n=len(known), **found))
    table = pd.concat(parts) if parts else chosen.assign(n=0, pearson=0.0, spearman=0.0)
    measures = sorted(table["measure"].unique(), key=lambda name: (name == MEAN, measure_order(name)))
    orders = [selection.setups, measures, DRAWN]
    place = {name: index for names in orders for index, name in enumerate(names)}
    return table.sort_values(
        ["measure", "similarity", "setup"], key=lambda column: column.map(place), kind="stable", ignore_index=True
    )[list(COLUMNS)]


@style.styled
def draw_similarity_and_drop(table: pd.DataFrame) -> Figure:
    """Draw `similarity_and_drop_data`: rows are measures of the scores, columns measures of similarity."""
    measures, similarities = list(dict.fromkeys(table["measure"])), list(dict.fromkeys(table["similarity"]))
    looks = style.looks(dict.fromkeys(table["setup"]))
    figure = Figure(figsize=(style.TEXT_WIDTH, 1.0 * len(measures) + 0.9), layout="constrained")
    if not measures:
        axes = figure.subplots()
        axes.set_axis_off()
        axes.text(0.5, 0.5, "no pairs of models were compared", ha="center", va="center", color=style.GREY)
        return figure
    panels = figure.subplots(len(measures), len(similarities), squeeze=False, sharex="col", sharey="row")
    for measure, row in zip(measures, panels, strict=True):
        for similarity, axes in zip(similarities, row, strict=True):
            part = table[(table["measure"] == measure) & (table["similarity"] == similarity)]
            _panel(axes, part, looks)
        name = "Mean of\nthe measures" if measure == MEAN else style.measure_label(measure)
        row[0].set_ylabel(name)
    for similarity, axes in zip(similarities, panels[-1], strict=True):
        axes.set_xlabel(style.SIMILARITY_LABELS.get(similarity, similarity), size=6.5)
    figure.align_labels()
    figure.supylabel("Score of the merge minus that of the experts", size=7.5)
    keys = style.setup_keys(looks)
    keys.append(style.key("no drop", linestyle="-", linewidth=0.6))
    figure.legend(handles=keys, loc="outside lower center", ncols=min(6, len(keys)), columnspacing=1.4)
    return figure


def _panel(axes: Axes, points: pd.DataFrame, looks: dict[str, style.Look]) -> None:
    axes.axhline(0.0, color=style.GREY, linewidth=0.6, zorder=1)
    for setup, part in points.groupby("setup", sort=False):
        look = looks[setup]
        axes.plot(part["x"], part["delta"], look.marker, color=look.colour, markersize=2.6, zorder=3, gid="pairs")
    coefficient = points["spearman"].iloc[0]
    if pd.notna(coefficient):
        text = f"ρ {coefficient:+.2f}".replace("-", "−")
        axes.set_title(text, size=6, color=style.GREY, pad=1.5)
    axes.xaxis.set_major_locator(MaxNLocator(2, min_n_ticks=2))
    axes.yaxis.set_major_locator(MaxNLocator(3))
    axes.tick_params(labelsize=6)
    axes.margins(0.12)  # room for whole marks in so small a panel
