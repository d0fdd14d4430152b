"""Experts and multilingual models of every setup, and the English they keep (Glocker et al. 2025, Figure 2)."""

from __future__ import annotations

from itertools import cycle, product

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from growmerge.analysis.figures import style
from growmerge.analysis.figures.selection import VALUES, Selection, look_up, measures, overall
from growmerge.config.checks import MULTI

COLUMNS = ("row", "measure", "series", "setup", "target", "id", "language", *VALUES)


def baselines_data(summary: pd.DataFrame, selection: Selection) -> pd.DataFrame:
    """What is plotted, one line per mark; value NaN and n = 0 where there is no score.

    `row` is "target" (the score in the target language) or "english"; `series` is "expert", "multi" or "base". The
    multilingual models appear if the summary knows of any.
    """
    names = measures(summary)
    experts = list(product(names, selection.setups, selection.languages))
    wanted = [("target", "expert", m, s, t, t) for m, s, t in experts]
    wanted += [("english", "expert", m, s, t, selection.english) for m, s, t in experts]
    if (summary["target"] == MULTI).any():
        wanted += [("target", "multi", m, s, MULTI, language) for m, s, language in experts]
        wanted += [("english", "multi", m, s, MULTI, selection.english) for m, s in product(names, selection.setups)]
    cells = pd.DataFrame(wanted, columns=["row", "series", "measure", "setup", "target", "language"])
    models = look_up(cells.assign(kind="model", method=""), summary)
    is_base = (summary["kind"] == "base") & (summary["language"] == selection.english)
    if selection.bases is not None:
        is_base &= summary["id"].isin(selection.bases)
    bases = overall(summary[is_base]).assign(row="english", series="base")
    return pd.concat([models[list(COLUMNS)], bases[list(COLUMNS)]], ignore_index=True)


@style.styled
def draw_baselines(table: pd.DataFrame) -> Figure:
    """Draw `baselines_data`: columns are measures, the upper row the targets, the lower row English."""
    names = list(table["measure"].unique())
    models = table[table["series"] != "base"]
    looks = style.looks(models["setup"].unique())
    bases = dict(zip(table.loc[table["series"] == "base", "id"].unique(), cycle(style.DASHES), strict=False))
    figure = Figure(figsize=(style.TEXT_WIDTH, 3.7), layout="constrained")
    panels = figure.subplots(2, len(names), squeeze=False)
    for row, row_axes in zip(("target", "english"), panels, strict=True):
        for measure, axes in zip(names, row_axes, strict=True):
            _panel(axes, models[(models["row"] == row) & (models["measure"] == measure)], row, looks)
    for measure, axes in zip(names, panels[1], strict=True):
        lines = table[(table["series"] == "base") & (table["measure"] == measure)].dropna(subset="value")
        for line in lines.itertuples():
            axes.axhline(line.value, color=style.GREY, linestyle=bases[line.id], linewidth=0.8, gid="base")
    for measure, upper in zip(names, panels[0], strict=True):
        upper.set_title(style.MEASURE_LABELS.get(measure, measure))
    panels[0][0].set_ylabel("Target language")
    panels[1][0].set_ylabel("English")
    figure.align_ylabels()

    keys = style.setup_keys(looks)
    keys.append(style.key("one target", marker="o"))
    if (models["series"] == "multi").any():
        keys.append(style.key("all targets (multi)", marker="o", markerfacecolor="white"))
    unscored = set(table.loc[(table["series"] == "base") & table["value"].isna(), "id"])
    for name, dashes in bases.items():
        label = f"{name} (scores missing)" if name in unscored else name
        keys.append(style.key(label, linestyle=dashes, linewidth=0.8))
    keys.append(style.key("chance", **style.CHANCE_KEY))
    if table["value"].isna().any():
        keys.append(style.key("no score", **style.MISSING_KEY))
    figure.legend(handles=keys, loc="outside lower center", ncols=min(6, len(keys)), columnspacing=1.4)
    return figure


def _panel(axes: Axes, rows: pd.DataFrame, row: str, looks: dict[str, style.Look]) -> None:
    """One measure in the targets or in English; in English the multilingual model has a slot of its own."""
    in_slots = "language" if row == "target" else "target"
    slots = list(dict.fromkeys(rows[in_slots]))
    style.category_axis(axes, slots)
    style.chance_line(axes, rows["chance"])
    beside = row == "target" and bool((rows["series"] == "multi").any())
    dodge = dict(zip(looks, style.offsets(len(looks)), strict=True))
    half = 0.19 / len(looks) if beside else 0.0  # expert and multilingual model of a setup stand side by side
    for mark in rows.itertuples():
        look = looks[mark.setup]
        x = slots.index(getattr(mark, in_slots)) + dodge[mark.setup] + (half if mark.series == "multi" else -half)
        if pd.isna(mark.value):
            style.mark_missing(axes, x, look.colour)
            continue
        axes.vlines(x, mark.low, mark.high, color=look.colour, linewidth=0.8, zorder=2)
        face = "white" if mark.series == "multi" else look.colour
        axes.plot([x], [mark.value], look.marker, color=look.colour, markerfacecolor=face, zorder=3, gid=mark.series)
    if rows["value"].isna().any():
        style.make_room(axes, 0.08)
