"""Scores per language as models are merged one by one, in nested series (Aycock et al. 2026, Figure 2)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import TYPE_CHECKING, Any, NamedTuple

from growmerge import ids
from growmerge.config.analysis import Analysis
from growmerge.figures.common.figure import Figure
from growmerge.figures.common.selection import Selection
from growmerge.figures.common.wording import intervals, listed, over, over_items, same_as_linear, score
from growmerge.ids import MEAN, PLUS
from growmerge.lazily import lazily
from growmerge.study.grid import Model
from growmerge.study.shown import Shown

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Drawing

with lazily():
    import pandas as pd

    from growmerge.figures.common import style, summaries
    from growmerge.tables import by_language, means

COLUMNS = (
    *("part", "measure", "setup", "method", "order", "size", "added"),
    *("language", "member", "id", "value", "low", "high", "chance", "averaged"),
)
SLOTS_IN_A_LINE = 24  # sizes of merges side by side, over all panels: each takes a quarter of an inch


def _models(shown: Shown) -> list[Model]:
    """The merges of the series by the main methods, and the experts."""
    nested = {combination for order in shown.grid.series for combination in shown.grid.nested(order)}
    return shown.with_experts([merge for merge in shown.main_merges if merge.target in nested])


def _selection(shown: Shown) -> dict[str, Any]:
    """`orders` in which languages are merged one by one; `members_only`: merges are scored in no other languages."""
    orders = {"orders": shown.grid.series, "methods": shown.methods_side_by_side}
    return orders | ({"members_only": True} if shown.study.scoring.languages == "own" else {})


# --- data -----------------------------------------------------------------------------------------------------------


def series_data(summary: pd.DataFrame, selection: Selection) -> pd.DataFrame:
    """What is plotted, one line per mark: columns `COLUMNS`; NaN where there is no score.

    Each of the selection's `orders` is a sequence of languages, written "swe+isl+..." in `order`. For each of them, and
    each selected setup and method:

    - part "series": the score in every language of the order of the merge of its first `size` languages, of which
      `added` is the last; of size 1, of that language's expert. `member`: the language is one of them.
    - part "expert": the score of each language's expert in it.

    Language "mean" is the unweighted mean over the languages in `averaged`: those of the order in which the summary
    knows the measure, members or not, the same at every size; NaN where one has no score. Its interval is that of
    `means.mean_of_languages`.

    With `members_only`, there are no lines of languages that are no members (yet), and no means that need them: nobody
    asked for these scores.
    """
    rows = by_language.finished(summary)
    cells = rows.set_index(["measure", "id", "language"])[["value", "low", "high", "chance"]].sort_index()
    over_seeds = "seeds" in summary
    marks: list[tuple[Any, ...]] = []
    for measure in summaries.measures(rows):
        known = set(rows.loc[rows["measure"] == measure, "language"])
        of_measure = cells.loc[measure]
        for setup, method, order in product(selection.setups, selection.methods, selection.own.get("orders", ())):
            averaged = [language for language in order if language in known]
            about = (measure, setup, method, PLUS.join(order))
            for size in range(1, len(order) + 1):
                models = dict.fromkeys(averaged, _model(setup, order[:size], method))
                place = ("series", *about, size, order[size - 1])
                marks += _marks(of_measure, models, place, set(order[:size]), over_seeds=over_seeds)
            experts = {language: ids.adapted(setup, language) for language in averaged}
            marks += _marks(of_measure, experts, ("expert", *about, 1, ""), set(order), over_seeds=over_seeds)
    table = pd.DataFrame(marks, columns=list(COLUMNS))
    if selection.own.get("members_only"):
        table = table[table["member"].astype(bool)].reset_index(drop=True)
    text = ["part", "measure", "setup", "method", "order", "added", "language", "id", "averaged"]
    types = dict.fromkeys(text, "str") | dict.fromkeys(["value", "low", "high", "chance"], "float64")
    return table.astype(types | {"size": int, "member": bool})


def _model(setup: str, members: Sequence[str], method: str) -> str:
    """The id of the merge of `members`, or of the expert of a single one."""
    return ids.merge(setup, members, method) if len(members) > 1 else ids.adapted(setup, members[0])


def _marks(
    cells: pd.DataFrame, models: Mapping[str, str], about: tuple[Any, ...], members: set[str], *, over_seeds: bool
) -> Iterator[tuple[Any, ...]]:
    """The score in each language of the model that `models` names for it, and their mean."""
    chosen = cells.reindex(pd.MultiIndex.from_arrays([list(models.values()), list(models)]))
    values = [tuple(cell) for cell in chosen.itertuples(index=False)]
    for (language, identifier), value in zip(models.items(), values, strict=True):
        yield (*about, language, language in members, identifier, *value, "")
    one = models.values() if len(set(models.values())) == 1 else [""]
    mean = (*means.mean_of_languages(chosen, over_seeds=over_seeds), chosen["chance"].mean())
    yield (*about, MEAN, members.issuperset(models), next(iter(one)), *mean, PLUS.join(models))


# --- what it shows ----------------------------------------------------------------------------------------------------


def series_finding(table: pd.DataFrame) -> str:
    """What `series_data` shows, in numbers: the means of the smallest and the largest merges, and of the experts.

    And how many scores it leaves out, because merges are only scored in their members' languages.
    """
    orders = list(dict.fromkeys(table["order"]))
    sentences = []
    for measure, means in table[table["language"] == MEAN].groupby("measure", sort=False):
        clauses = []
        for (setup, method, order), part in means.groupby(["setup", "method", "order"], sort=False):
            name = f"{setup}, {method}" + (f", order {orders.index(order) + 1}" if len(orders) > 1 else "")
            if ends := _ends(part):
                clauses.append(f"{name} {ends}")
        if clauses:
            sentences.append(f"{style.MEASURE_LABELS.get(measure, measure)}: {'; '.join(clauses)}.")
    what = (
        "Means over all languages of the order, merged or not, by the number of merged ones; experts each in its own."
    )
    return " ".join([*([what, *sentences] if sentences else []), *_left_out(table)])


def _left_out(table: pd.DataFrame) -> list[str]:
    """How many scores of the series nobody asked for, as a sentence; none if all were."""
    panels = table[(table["language"] == MEAN) & (table["part"] == "expert")]
    whole = sum(len(mark.averaged.split(PLUS)) * len(mark.order.split(PLUS)) for mark in panels.itertuples())
    there = int(((table["part"] == "series") & (table["language"] != MEAN)).sum())
    if there == whole:
        return []
    return [
        f"Left out: {whole - there} of {whole} scores, in languages that are not merged yet "
        "(`scoring.languages: own`); `all` scores them."
    ]


def _ends(means: pd.DataFrame) -> str:
    """The smallest merge of a series, the largest, and the experts; empty without any merge."""
    merges = means[(means["part"] == "series") & (means["size"] > 1)].dropna(subset="value")
    expert = means.loc[means["part"] == "expert", "value"].item()
    ends = merges.iloc[[0, -1] if len(merges) > 1 else slice(None)]
    sizes = [f"{score(end.value, end.low, end.high)} of {end.size}" for end in ends.itertuples()]
    experts = [] if pd.isna(expert) or not sizes else [f"experts {expert:.2f}"]
    return ", ".join([*sizes, *experts])


# --- drawing ----------------------------------------------------------------------------------------------------------


class _Panel(NamedTuple):
    """What the panels of a column share."""

    setup: str
    method: str
    order: str


def draw_series(table: pd.DataFrame) -> Drawing:
    """Draw `series_data`: rows are measures, columns setups, methods and orders; as many blocks of rows as it takes."""
    names = summaries.measures(table)
    if not names:
        return style.nothing("no nested series of merges was scored")
    shared = list(
        dict.fromkeys(_Panel(*key) for key in zip(table["setup"], table["method"], table["order"], strict=True))
    )
    orders = list(dict.fromkeys(table["order"]))
    languages = list(dict.fromkeys(code for order in orders for code in order.split(PLUS)))
    looks = {language: style.language_look(place) for place, language in enumerate(languages)}
    longest = max(len(order.split(PLUS)) for order in orders) + 1
    columns = min(len(shared), max(1, SLOTS_IN_A_LINE // longest))
    blocks = -(-len(shared) // columns)
    height = 1.35 * len(names) * blocks + 0.35 * blocks + 0.6
    figure = style.Figure(figsize=(style.TEXT_WIDTH, height), layout="constrained")
    panels = figure.subplots(len(names) * blocks, columns, squeeze=False)
    for row, measure in enumerate(names):
        rows = table[table["measure"] == measure]
        limits = _limits(rows)
        for block, column in product(range(blocks), range(columns)):
            axes, place = panels[block * len(names) + row][column], block * columns + column
            if place >= len(shared):
                axes.set_axis_off()
                continue
            part = rows[(rows[list(_Panel._fields)] == [*shared[place]]).all(axis=1)]
            _panel(axes, part, looks)
            axes.set_ylim(limits)
            axes.tick_params(labelleft=column == 0, labelbottom=row == len(names) - 1)
            if column == 0:
                axes.set_ylabel(style.measure_label(measure))
            if row == 0:
                axes.set_title(_title(shared[place], orders))
    figure.align_ylabels()
    keys = [style.key(code, marker=look.marker, color=look.colour, linestyle="-") for code, look in looks.items()]
    keys += [style.key("mean", color="black", linestyle="-", linewidth=1.6)]
    if not table["member"].all():
        keys.append(
            style.key("not merged yet", marker="o", markerfacecolor="white", linestyle=style.DASHES[1], alpha=0.5)
        )
    keys += [style.key("mean of experts", linestyle=style.DASHES[0], linewidth=0.8)]
    if table["chance"].notna().any():
        keys.append(style.key("chance", **style.CHANCE_KEY))
    keys.append(style.bars_key("95 % interval"))
    keys += style.too_few(table[table["language"] == MEAN])
    if table["value"].isna().any():
        keys.append(style.key("no score", **style.MISSING_KEY))
    figure.legend(handles=keys, loc="outside lower center", ncols=min(5, len(keys)), columnspacing=1.4)
    return figure


def _title(panel: _Panel, orders: Sequence[str]) -> str:
    setup = style.looks([panel.setup])[panel.setup].label
    order = f", order {orders.index(panel.order) + 1}" if len(orders) > 1 else ""
    return f"{setup}{order}\n{style.method_label(panel.method)}"


def _limits(rows: pd.DataFrame) -> tuple[float, float]:
    """One scale for all panels of a measure, with room at the foot for crosses if scores are missing."""
    ends = rows.loc[rows["language"] == MEAN, ["low", "high"]]
    known = pd.concat([rows["value"], rows["chance"], *(ends[end] for end in ends)]).dropna()
    low, high = (known.min(), known.max()) if len(known) else (0.0, 1.0)
    margin = 0.06 * (high - low) or 0.01
    return low - margin * (3 if rows["value"].isna().any() else 1), high + margin


def _panel(axes: Axes, rows: pd.DataFrame, looks: Mapping[str, style.Look]) -> None:
    """A line a language, pale until it is merged; at the right, apart, the experts."""
    series, experts = rows[rows["part"] == "series"], rows[rows["part"] == "expert"]
    added = rows["order"].iloc[0].split(PLUS)
    style.category_axis(axes, [added[0], *(f"+{code}" for code in added[1:]), "experts"])
    axes.tick_params(axis="x", labelrotation=90)
    style.chance_line(axes, rows.loc[rows["language"] == MEAN, "chance"])
    level = experts.loc[experts["language"] == MEAN, "value"].item()
    if pd.notna(level):
        axes.axhline(level, color=style.GREY, linestyle=style.DASHES[0], linewidth=0.8, zorder=1, gid="experts")
    for language, line in series.groupby("language", sort=False):
        expert = experts[experts["language"] == language].iloc[0]
        if language == MEAN:
            _mean(axes, line, expert, len(added))
        else:
            _language(axes, line, expert, len(added), looks[language])
    gaps = pd.concat([series.assign(x=series["size"] - 1), experts.assign(x=len(added))])
    for mark in gaps[gaps["value"].isna()].itertuples():
        style.mark_missing(axes, mark.x, "black" if mark.language == MEAN else looks[mark.language].colour)


def _mean(axes: Axes, line: pd.DataFrame, expert: pd.Series, right: int) -> None:
    x = line["size"] - 1
    axes.fill_between(x, line["low"], line["high"], color="black", alpha=0.12, linewidth=0, zorder=1.5)
    axes.plot(x, line["value"], "-", color="black", linewidth=1.6, zorder=4, gid="mean")
    alone = [(x.iloc[0], line.iloc[0])] if len(line) == 1 else []  # a line of one point is invisible
    for place, mark in [*alone, (right, expert)]:
        axes.vlines(place, mark["low"], mark["high"], color="black", linewidth=0.8, zorder=2)
        axes.plot([place], [mark["value"]], "_", color="black", markersize=8, markeredgewidth=1.6, zorder=4)


def _language(axes: Axes, line: pd.DataFrame, expert: pd.Series, right: int, look: style.Look) -> None:
    x, value = line["size"] - 1, line["value"]
    joined = line["member"]
    # The pale line ends where the full one begins, at the language's first merge.
    before = value.where(~joined | ~joined.shift(fill_value=False))
    one: dict[str, Any] = {"color": look.colour, "linewidth": 0.8, "zorder": 3}
    axes.plot(x, before, linestyle=style.DASHES[1], alpha=0.5, gid="before", **one)
    axes.plot(x, value.where(joined), "-", gid="member", **one)
    small: dict[str, Any] = {"color": look.colour, "markersize": 2.6, "markeredgewidth": 0.6, "zorder": 3}
    axes.plot(x, value.where(~joined), look.marker, markerfacecolor="white", alpha=0.5, **small)
    axes.plot(x, value.where(joined), look.marker, **small)
    axes.plot([right], [expert["value"]], look.marker, gid="expert", **small)


def _caption(selection: Selection, analysis: Analysis) -> str:
    members_only = selection.own.get("members_only")
    until = "from its first merge on" if members_only else "pale and hollow until its expert is merged"
    kind = "which takes languages for independent: " + over_items(analysis)
    if selection.averaged:
        kind = "the mean of those of the languages, an upper bound: " + intervals(selection, analysis)
    where = "where all of them are merged" if members_only else "merged or not yet"
    return (
        f"Nested series of merges by {listed(selection.methods)}, {over(selection)}. From left to right "
        "one more expert is "
        f"merged, named below; the first is by itself. A line is the score in a language, {until}. "
        f"Black: mean over all languages of the panel, {where}, with its interval, "
        f"{kind}. At the right, and dashed for their mean: the "
        "experts before merging, each in its own language. Dotted: chance. A cross marks a mean or language with "
        f"no score.{same_as_linear(selection.methods)}"
    )


FIGURE = Figure(
    models=_models,
    data=series_data,
    draw=draw_series,
    caption=_caption,
    finding=lambda drawn: series_finding(drawn.data),
    selection=_selection,
)
