"""Merges by the density of their task vectors: does keeping more than half of the elements rescue TIES and DARE?"""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from growmerge.figures import style
from growmerge.figures.merges import expert_scores, mean_score, merge_scores
from growmerge.figures.selection import Selection, measures, overall
from growmerge.study.sweeps import density_sweeps

COLUMNS = (
    *("part", "measure", "setup", "method", "density", "name"),
    *("value", "low", "high", "n_cells", "n_expected", "chance"),
)
# Means that have no density, as lines across.
_LINES = {"expert": style.DASHES[0], "reference": style.DASHES[2]}


def density_data(summary: pd.DataFrame, selection: Selection) -> pd.DataFrame:
    """What is plotted, one line per mark; the densities are those of `density_sweeps` of `selection.settings`.

    A merge's score is the mean over its member languages of the score in that language.

    - part "sweep": by setup, method of mergekit and density (in the study called `name`), the mean over merges, `low`
      and `high` the lowest and the highest; `n_cells` of `n_expected` scores are there.
    - part "reference": by setup, the same of merges by `selection.method`, which has no density.
    - part "expert": by setup, the mean over languages of the expert's score in its own language.
    """
    sweeps = density_sweeps(selection.settings)
    swept = {name for names in sweeps.values() for name in names.values()}
    merges = merge_scores(summary, selection.languages, {*swept, selection.method})
    rows = []
    for measure, setup in product(measures(summary), selection.setups):
        ours = merges[(merges["measure"] == measure) & (merges["setup"] == setup)]
        for method, names in sweeps.items():
            for density, name in names.items():
                rows.append(("sweep", measure, setup, method, density, name, *mean_score(ours[ours["method"] == name])))
        reference = mean_score(ours[ours["method"] == selection.method])
        rows.append(("reference", measure, setup, selection.method, np.nan, selection.method, *reference))
        experts = expert_scores(summary, selection.languages, measure, setup)
        rows.append(("expert", measure, setup, "", np.nan, "", *mean_score(experts)))
    chances = overall(summary).groupby("measure")["chance"].mean()
    table = pd.DataFrame(rows, columns=list(COLUMNS[:-1]))
    return table.assign(chance=table["measure"].map(chances))


@style.styled
def draw_density(table: pd.DataFrame) -> Figure:
    """Draw `density_data`: rows are measures, columns methods, lines setups."""
    names = list(dict.fromkeys(table["measure"]))
    sweeps = table[table["part"] == "sweep"]
    methods = list(dict.fromkeys(sweeps["method"]))
    looks = style.looks(dict.fromkeys(table["setup"]))
    densities = sorted(sweeps["density"].unique())
    step = float(min(np.diff(densities), default=0.1))
    dodge = dict(zip(looks, style.offsets(len(looks), width=0.25 * step), strict=True))
    figure = Figure(figsize=(style.TEXT_WIDTH, 1.3 * len(names) + 0.8), layout="constrained")
    panels = figure.subplots(len(names), max(len(methods), 1), squeeze=False, sharex=True, sharey="row")
    for measure, row in zip(names, panels, strict=True):
        for method, axes in zip(methods, row, strict=False):
            lines = sweeps[(sweeps["measure"] == measure) & (sweeps["method"] == method)]
            style.chance_line(axes, lines["chance"])
            for part, dashes in _LINES.items():
                _level_lines(axes, table[(table["measure"] == measure) & (table["part"] == part)], looks, dashes)
            _sweep(axes, lines, looks, dodge)
        row[0].set_ylabel(style.measure_label(measure))
        if (sweeps.loc[sweeps["measure"] == measure, "n_cells"] == 0).any():
            style.make_room(row[0], 0.12)
    for method, axes in zip(methods, panels[0], strict=False):
        axes.set_title(_label(method))
    for axes in panels[-1]:
        axes.set_xlabel("density: share of each task vector that is kept")
        axes.set_xticks(densities)
    figure.align_ylabels()
    keys = style.setup_keys(looks)
    keys.append(style.key("mean of experts", linestyle=_LINES["expert"], linewidth=0.8))
    if (references := table[(table["part"] == "reference") & (table["n_cells"] > 0)]).size:
        label = f"{_label(references['method'].iloc[0])} merges"
        keys.append(style.key(label, linestyle=_LINES["reference"], linewidth=0.8))
    keys.append(style.key("chance", **style.CHANCE_KEY))
    if (sweeps["n_cells"] < sweeps["n_expected"]).any():
        keys.append(style.key("some scores missing", marker="o", markerfacecolor="white"))
    if (sweeps["n_cells"] == 0).any():
        keys.append(style.key("no score", **style.MISSING_KEY))
    figure.legend(handles=keys, loc="outside lower center", ncols=4, columnspacing=1.4)
    return figure


def _label(method: str) -> str:
    return style.METHOD_LABELS.get(method, method).replace("-\n", "-").replace("\n", " ")


def _level_lines(axes: Axes, rows: pd.DataFrame, looks: dict[str, style.Look], dashes: Any) -> None:
    for line in rows.dropna(subset="value").itertuples():
        axes.axhline(
            line.value, color=looks[line.setup].colour, linestyle=dashes, linewidth=0.8, zorder=1, gid=line.part
        )


def _sweep(axes: Axes, lines: pd.DataFrame, looks: dict[str, style.Look], dodge: dict[str, float]) -> None:
    """A line a setup; thin bars reach from the lowest to the highest merge, side by side."""
    for setup, line in lines.groupby("setup", sort=False):
        look = looks[setup]
        known = line.dropna(subset="value")
        axes.plot(known["density"] + dodge[setup], known["value"], "-", color=look.colour, zorder=2, gid="sweep")
        for mark in line.itertuples():
            x = mark.density + dodge[setup]
            if pd.isna(mark.value):
                style.mark_missing(axes, x, look.colour)
                continue
            axes.vlines(x, mark.low, mark.high, color=look.colour, linewidth=0.8, alpha=0.6, zorder=2)
            face = look.colour if mark.n_cells == mark.n_expected else "white"
            axes.plot([x], [mark.value], look.marker, color=look.colour, markerfacecolor=face, zorder=3)
