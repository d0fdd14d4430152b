"""Merges by the density of their task vectors: does keeping more than half of the elements rescue TIES and DARE?"""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any

from growmerge import ids
from growmerge.catalogue.entry import LOWER_IS_BETTER
from growmerge.config.analysis import Analysis
from growmerge.config.merging import Method
from growmerge.figures.common import palette
from growmerge.figures.common.figure import Figure
from growmerge.figures.common.selection import Selection
from growmerge.figures.common.wording import MERGE, difference, of_all, of_means, over, same_as_linear
from growmerge.lazily import lazily
from growmerge.study.grid import Model
from growmerge.study.groups import groups_of
from growmerge.study.shown import Shown
from growmerge.study.sweeps import density_sweeps

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Drawing

with lazily():
    import numpy as np
    import pandas as pd

    from growmerge.figures.common import style, summaries
    from growmerge.tables import statistics, summary

COLUMNS = (
    *("part", "measure", "setup", "method", "density", "name"),
    *("value", "low", "high", "n_cells", "n_expected", "chance"),
)
# Means that have no density, as lines across.
_LINES = {"expert": palette.DASHES[0], "reference": palette.DASHES[2]}


def _models(shown: Shown) -> list[Model]:
    """The merges by the methods of a sweep and by the one that they are held against, and the experts."""
    swept = {name for names in density_sweeps(shown.study.merging.methods).values() for name in names.values()}
    chosen = [m for m in shown.merges if swept and m.method in {*swept, shown.pairwise_method}]
    return shown.with_experts(chosen)


def _selection(shown: Shown) -> dict[str, Any]:
    """`settings` are the methods with their parameters."""
    return {"settings": [method.model_dump() for method in shown.study.merging.methods]}


def _configured(selection: Selection) -> list[str]:
    """The methods of the study, by their names in the registry."""
    settings = map(Method.model_validate, selection.own.get("settings", ()))
    return [method.registered for method in settings]


def _sweeps(selection: Selection) -> dict[str, dict[float, str]]:
    """Method -> density -> name in the study."""
    return density_sweeps(map(Method.model_validate, selection.own.get("settings", ())))


def density_data(summary: pd.DataFrame, selection: Selection) -> pd.DataFrame:
    """What is plotted, one line per mark; the densities are those of the study's sweeps (`growmerge.study.sweeps`).

    A merge's score is the mean over its member languages of the score in that language.

    - part "sweep": by setup, method of mergekit and density (in the study called `name`), the mean over merges, `low`
      and `high` the lowest and the highest; `n_cells` of `n_expected` scores are there.
    - part "reference": by setup, the same of merges by `selection.method`, which has no density.
    - part "expert": by setup, the mean over languages of the expert's score in its own language.

    With several seeds, also `interval_low` and `interval_high`, see `summaries.with_intervals`.
    """
    sweeps = _sweeps(selection)
    swept = {name for names in sweeps.values() for name in names.values()}
    merges = summaries.merge_scores(summary, selection.languages, {*swept, selection.method})
    rows = []
    for measure, setup in product(summaries.measures(summary), selection.setups):
        ours = merges[(merges["measure"] == measure) & (merges["setup"] == setup)]
        for method, names in sweeps.items():
            for density, name in names.items():
                rows.append(
                    (
                        "sweep",
                        measure,
                        setup,
                        method,
                        density,
                        name,
                        *summaries.mean_score(ours[ours["method"] == name]),
                    )
                )
        reference = summaries.mean_score(ours[ours["method"] == selection.method])
        rows.append(("reference", measure, setup, selection.method, np.nan, selection.method, *reference))
        experts = summaries.expert_scores(summary, selection.languages, measure, setup)
        rows.append(("expert", measure, setup, "", np.nan, "", *summaries.mean_score(experts)))
    chances = summaries.overall(summary).groupby("measure")["chance"].mean()
    table = pd.DataFrame(rows, columns=list(COLUMNS[:-1]))
    table = table.assign(chance=table["measure"].map(chances))
    of_experts = (table["part"] == "expert").astype(int)
    found = summaries.with_intervals(table.assign(members=of_experts), summary, ["measure", "setup", "name", "members"])
    return found.drop(columns="members")


def draw_density(table: pd.DataFrame) -> Drawing:
    """Draw `density_data`: rows are measures, columns methods, lines setups."""
    names = list(dict.fromkeys(table["measure"]))
    sweeps = table[table["part"] == "sweep"]
    methods = list(dict.fromkeys(sweeps["method"]))
    looks = style.looks(dict.fromkeys(table["setup"]))
    densities = sorted(sweeps["density"].unique())
    step = float(min(np.diff(densities), default=0.1))
    dodge = dict(zip(looks, style.offsets(len(looks), width=0.25 * step), strict=True))
    figure = style.Figure(figsize=(style.TEXT_WIDTH, 1.3 * len(names) + 0.8), layout="constrained")
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
        axes.set_title(style.method_label(method))
    for axes in panels[-1]:
        axes.set_xlabel("density: share of each task vector that is kept")
        axes.set_xticks(densities)
    figure.align_ylabels()
    keys = style.setup_keys(looks)
    keys.append(style.key("mean of experts", linestyle=_LINES["expert"], linewidth=0.8))
    if (references := table[(table["part"] == "reference") & (table["n_cells"] > 0)]).size:
        label = f"{style.method_label(references['method'].iloc[0])} merges"
        keys.append(style.key(label, linestyle=_LINES["reference"], linewidth=0.8))
    keys.append(style.key("chance", **style.CHANCE_KEY))
    keys.append(style.bars_key("lowest to highest merge"))
    keys += style.means_key(table)
    if (sweeps["n_cells"] < sweeps["n_expected"]).any():
        keys.append(style.key("some scores missing", marker="o", markerfacecolor="white"))
    if (sweeps["n_cells"] == 0).any():
        keys.append(style.key("no score", **style.MISSING_KEY))
    figure.legend(handles=keys, loc="outside lower center", ncols=4, columnspacing=1.4)
    return figure


def _level_lines(axes: Axes, rows: pd.DataFrame, looks: dict[str, style.Look], dashes: Any) -> None:
    for line in rows.dropna(subset="value").itertuples():
        axes.axhline(
            line.value, color=looks[line.setup].colour, linestyle=dashes, linewidth=0.8, zorder=1, gid=line.part
        )
        place = list(looks).index(line.setup) + (len(looks) if line.part == "reference" else 0)
        style.bar_at_edge(axes, place, line, looks[line.setup].colour)


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
            style.wide_bar(axes, x, mark, look.colour)
            face = look.colour if mark.n_cells == mark.n_expected else "white"
            axes.plot([x], [mark.value], look.marker, color=look.colour, markerfacecolor=face, zorder=3)


def _caption(selection: Selection, analysis: Analysis) -> str:
    return (
        f"Merges by the density of their task vectors, {over(selection)}. {MERGE} Marks: mean over all "
        "merges; thin bars "
        "reach from the lowest to the highest merge. TIES keeps the elements of largest magnitude, DARE random "
        "ones. Dashed: mean over languages of the experts before merging; dashes and dots: mean over all merges by "
        f"{selection.method}. Dotted: chance. Hollow: some scores are missing; a cross marks a mean without any "
        f"score.{of_means(selection)}{same_as_linear(_configured(selection))}"
    )


HALF = 0.5  # the published density of TIES and DARE


def density_finding(summary: pd.DataFrame, selection: Selection) -> str:
    """Whether keeping more than half of the task vectors rescues the methods of a sweep (`growmerge.study.sweeps`).

    The highest density is held against the highest one up to a half, and against `selection.method` (linear), merge by
    merge, over the merges of the selected setups of which all scores are there. It rescues a method in a measure where
    the first difference is above zero and the second not below it, both by their intervals.
    """
    sweeps = _sweeps(selection)
    if not sweeps:
        return ""
    named = {name for names in sweeps.values() for name in names.values()} | {selection.method}
    merges = summaries.merge_scores(summary, selection.languages, named)
    merges = merges[merges["setup"].isin(selection.setups) & (merges["n_cells"] == merges["n_expected"])]
    merge = merges["id"].map(ids.without_method)
    scores = merges.assign(merge=merge).pivot_table(index=["measure", "merge"], columns="method", values="value")
    sentences = [
        _of_sweep(method, names, scores.reindex(columns=sorted(named)), selection.method, summaries.measures(summary))
        for method, names in sweeps.items()
    ]
    return " ".join(
        [
            *sentences,
            "Differences are means over merges with 95 % t intervals; merges share languages and are not independent.",
        ]
    )


def _of_sweep(method: str, names: dict[float, str], scores: pd.DataFrame, reference: str, order: list[str]) -> str:
    """What it changes to keep most numbers. A measure is rescued if it gains and is then no worse than `reference`."""
    most = max(names)
    least = max((density for density in names if density <= HALF and density < most), default=min(names))
    parts, rescued, known = [], [], []
    for measure in order:
        rows = scores[scores.index.get_level_values("measure") == measure]
        gain = statistics.mean_difference((rows[names[most]] - rows[names[least]]).to_numpy())
        gap = statistics.mean_difference((rows[names[most]] - rows[reference]).to_numpy())
        if np.isnan(gain.low) or np.isnan(gap.low):
            continue
        known.append(measure)
        better, no_worse = (
            (gain.high < 0, gap.low <= 0) if measure in LOWER_IS_BETTER else (gain.low > 0, gap.high >= 0)
        )
        if better and no_worse:
            rescued.append(measure)
        parts.append(f"{measure} {difference(*gain)}, which leaves {difference(*gap)} against {reference}")
    if not known:
        return f"{method}: too few scores to say what a density of {most:g} instead of {least:g} changes."
    merges = len(scores[[names[most], names[least], reference]].dropna().index.unique("merge"))
    changes = f"{method}, density {most:g} instead of {least:g}, {merges} merges: {'; '.join(parts)}."
    return f"{changes} So keeping more rescues {method} in {of_all(rescued, known, 'measure')}."


FIGURE = Figure(
    models=_models,
    data=density_data,
    draw=draw_density,
    caption=_caption,
    finding=lambda drawn: density_finding(summary.over_all_seeds(pd.read_parquet(drawn.table)), drawn.selection),
    selection=_selection,
    groups=lambda shown: groups_of(_models(shown), sizes=False),
)
