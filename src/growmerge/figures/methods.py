"""Merge methods across setups, and by the number of merged languages (Glocker et al. 2025, Figure 5)."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any

from growmerge.catalogue.entry import LOWER_IS_BETTER
from growmerge.config.analysis import Analysis
from growmerge.figures.common import palette
from growmerge.figures.common.figure import Drawn, Figure
from growmerge.figures.common.selection import Selection
from growmerge.figures.common.wider import answer, between_widths, comparisons, rule, wider_setups
from growmerge.figures.common.wording import MERGE, listed, of_means, over, same_as_linear
from growmerge.lazily import lazily
from growmerge.study.grid import Model
from growmerge.study.groups import groups_of
from growmerge.study.shown import Shown

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Drawing

with lazily():
    import pandas as pd

    from growmerge.figures.common import style, summaries

COLUMNS = (
    *("part", "measure", "setup", "series", "method", "members"),
    *("value", "low", "high", "n_cells", "n_expected", "chance"),
)
COUNT: dict[str, Any] = {"size": 5.5, "color": palette.GREY, "gid": "incomplete"}
PLATE: dict[str, Any] = {"facecolor": "white", "edgecolor": "none", "pad": 0.6}


def _models(shown: Shown) -> list[Model]:
    """All merges, but for the further densities of a sweep, and the experts."""
    return shown.with_experts(shown.main_merges)


def _selection(shown: Shown) -> dict[str, Any]:
    """`methods` without the further densities of a sweep; `wider` says which setups are wider than which."""
    return {"methods": shown.main_methods, **wider_setups(shown)}


def methods_data(summary: pd.DataFrame, selection: Selection) -> pd.DataFrame:
    """What is plotted, one line per mark.

    A merge's score is the mean over its member languages of the score in that language. `value` is the mean over
    merges, `low` and `high` the lowest and the highest merge. A mean runs over the scores that there are: `n_cells` of
    the `n_expected` (merge, language) cells that the summary lists for it; NaN without any.

    - part "method": by setup and method.
    - part "members": by setup and number of merged languages; series "mean" over all methods, series "best" the method
      with the best mean in that setup and measure, among those without a missing cell (named in `method`).
    - part "expert": by setup, the mean over languages of the expert's score in its own language.

    With several seeds, also `interval_low` and `interval_high`, see `summaries.with_intervals`.
    """
    merges = summaries.merge_scores(summary, selection.languages, selection.methods)
    sizes = sorted(merges["members"].unique())
    rows = []
    for measure, setup in product(summaries.measures(summary), selection.setups):
        ours = merges[(merges["measure"] == measure) & (merges["setup"] == setup)]
        by_method = {method: ours[ours["method"] == method] for method in selection.methods}
        means = {method: summaries.mean_score(part) for method, part in by_method.items()}
        rows += [("method", measure, setup, "", method, 0, *mean) for method, mean in means.items()]
        complete = {method: m[0] for method, m in means.items() if m[3] == m[4] > 0}
        best = (min if measure in LOWER_IS_BETTER else max)(complete, key=complete.__getitem__, default="")
        series = [("mean", "", ours)] + ([("best", best, by_method[best])] if best else [])
        for (name, method, part), size in product(series, sizes):
            rows.append(
                ("members", measure, setup, name, method, size, *summaries.mean_score(part[part["members"] == size]))
            )
        rows.append(
            (
                "expert",
                measure,
                setup,
                "",
                "",
                1,
                *summaries.mean_score(summaries.expert_scores(summary, selection.languages, measure, setup)),
            )
        )
    chances = summaries.overall(summary).groupby("measure")["chance"].mean()
    table = pd.DataFrame(rows, columns=list(COLUMNS[:-1]))
    table = table.assign(chance=table["measure"].map(chances))
    return summaries.with_intervals(table, summary, ["measure", "setup", "method", "members"])


def draw_methods(table: pd.DataFrame) -> Drawing:
    """Draw `methods_data`: rows are measures; left by method, right by number of merged languages."""
    names = list(table["measure"].unique())
    looks = style.looks(table["setup"].unique())
    figure = style.Figure(figsize=(style.TEXT_WIDTH, 1.4 * len(names) + 0.8), layout="constrained")
    panels = figure.subplots(len(names), 2, squeeze=False, sharex="col", sharey="row", width_ratios=(1.55, 1))
    for measure, (left, right) in zip(names, panels, strict=True):
        rows = table[table["measure"] == measure]
        for axes in (left, right):
            style.chance_line(axes, rows["chance"])
            _expert_lines(axes, rows[rows["part"] == "expert"], looks)
        _by_method(left, rows[rows["part"] == "method"], looks)
        _by_members(right, rows[rows["part"] == "members"], looks)
        left.set_ylabel(style.measure_label(measure))
        if (rows["n_cells"] < rows["n_expected"]).any() or rows["value"].isna().any():
            style.make_room(left, 0.3)  # and of the right one, which shares the axis
    panels[0][0].set_title("By merge method")
    panels[0][1].set_title("By number of merged languages")
    figure.align_ylabels()
    keys = style.setup_keys(looks)
    keys.append(style.key("mean of experts", linestyle=style.DASHES[0], linewidth=0.8))
    keys.append(style.key("chance", **style.CHANCE_KEY))
    keys.append(style.bars_key("lowest to highest merge (left)"))
    keys += style.means_key(table)
    keys.append(style.key("best method (right)", linestyle="-"))
    keys.append(style.key("mean of methods (right)", linestyle=":", linewidth=1.0, marker=".", markersize=3))
    if (table["n_cells"] < table["n_expected"]).any():
        keys.append(style.key("k/n: mean over k of n scores", marker="o", markerfacecolor="white"))
    if table["value"].isna().any():
        keys.append(style.key("no score", **style.MISSING_KEY))
    figure.legend(handles=keys, loc="outside lower center", ncols=4, columnspacing=1.4)
    return figure


def _expert_lines(axes: Axes, rows: pd.DataFrame, looks: dict[str, style.Look]) -> None:
    """A dashed line per setup; if experts are missing, their number stands on it, each setup's in its own column."""
    place = dict(zip(looks, (0.98 - 0.07 * index for index in range(len(looks))), strict=True))
    for line in rows.itertuples():
        height, transform = 0.97, axes.transAxes
        if line.n_cells:
            height, transform = line.value, axes.get_yaxis_transform()
            colour = looks[line.setup].colour
            axes.axhline(height, color=colour, linestyle=style.DASHES[0], linewidth=0.8, zorder=1, gid="expert")
            style.bar_at_edge(axes, list(looks).index(line.setup), line, colour)
        if line.n_cells < line.n_expected:
            count = f"{line.n_cells}/{line.n_expected}"
            at = {"transform": transform, "ha": "right", "va": "center"}
            axes.text(place[line.setup], height, count, bbox=PLATE, **COUNT | at)


def _by_method(axes: Axes, rows: pd.DataFrame, looks: dict[str, style.Look]) -> None:
    methods = list(dict.fromkeys(rows["method"]))
    style.category_axis(axes, [style.METHOD_LABELS.get(method, method) for method in methods])
    dodge = dict(zip(looks, style.offsets(len(looks)), strict=True))
    for mark in rows.itertuples():
        look = looks[mark.setup]
        x = methods.index(mark.method) + dodge[mark.setup]
        if pd.isna(mark.value):
            style.mark_missing(axes, x, look.colour)
            continue
        axes.vlines(x, mark.low, mark.high, color=look.colour, linewidth=0.8, alpha=0.6, zorder=2)
        style.wide_bar(axes, x, mark, look.colour)
        _point(axes, x, mark, look)


def _by_members(axes: Axes, rows: pd.DataFrame, looks: dict[str, style.Look]) -> None:
    sizes = list(dict.fromkeys(rows["members"]))
    style.category_axis(axes, [str(size) for size in sizes])
    if not sizes:
        axes.text(0.5, 0.5, "no merges", transform=axes.transAxes, ha="center", va="center", color=style.GREY)
    dodge = dict(zip(looks, style.offsets(len(looks), width=0.62), strict=True))
    # Two intervals of a setup would lie upon one another.
    aside = {"best": -0.12 / len(looks), "mean": 0.12 / len(looks)} if "interval_low" in rows else {}
    for (setup, series), line in rows.groupby(["setup", "series"], sort=False):
        look = looks[setup]
        known = line.dropna(subset="value")
        xs = [sizes.index(size) + dodge[setup] + aside.get(series, 0.0) for size in known["members"]]
        axes.plot(xs, known["value"], "-" if series == "best" else ":", color=look.colour, zorder=2, gid=series)
        for x, mark in zip(xs, known.itertuples(), strict=True):
            style.wide_bar(axes, x, mark, look.colour)
            _point(axes, x, mark, look, small=series == "mean")
        for size in line.loc[line["value"].isna(), "members"]:
            style.mark_missing(axes, sizes.index(size) + dodge[setup], look.colour)


def _point(axes: Axes, x: float, mark: pd.Series, look: style.Look, small: bool = False) -> None:
    """A mark; if some of its cells are missing, hollow and with their number at the foot of the panel."""
    whole = mark.n_cells == mark.n_expected
    marker, size = (".", 3.0) if small and whole else (look.marker, 3.6)
    face = look.colour if whole else "white"
    axes.plot([x], [mark.value], marker, color=look.colour, markerfacecolor=face, markersize=size, zorder=3)
    if not whole:
        count = f"{mark.n_cells}/{mark.n_expected}"
        at_foot = {"transform": axes.get_xaxis_transform(), "rotation": 90, "ha": "center", "va": "bottom"}
        axes.text(x, 0.02, count, **COUNT | at_foot)


def _caption(selection: Selection, analysis: Analysis) -> str:
    return (
        f"Merges by {listed(selection.methods)}, {over(selection)}. {MERGE} Left: mean over all merges of a method and "
        "setup; thin bars reach from the lowest to the highest merge. Right: by number of merged languages, the "
        "mean of all methods, and the method whose mean is best for that setup and measure, chosen on these "
        "same scores among the methods without a missing score (no line if there is none). Dashed: mean over "
        "languages of the experts before merging. Dotted grey: chance. Hollow marks, and lines with k/n: only k "
        "of n scores are there, so these means are not comparable with the others. A cross marks a mean without "
        f"any score.{of_means(selection)}{same_as_linear(selection.methods)}{rule(selection)}"
    )


def _finding(drawn: Drawn) -> str:
    """RQ2 of Glocker et al. 2025, from all merges."""
    found = comparisons(drawn, "setup", of_merges=True)
    return answer("Do wider models merge better (RQ2)?", found, drawn.selection)


FIGURE = Figure(
    models=_models,
    data=methods_data,
    draw=draw_methods,
    caption=_caption,
    finding=_finding,
    contrasts=between_widths("setup"),
    selection=_selection,
    groups=lambda shown: groups_of(_models(shown)),
)
