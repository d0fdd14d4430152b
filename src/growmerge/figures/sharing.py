"""Partial sharing: what merging costs by the share of training before the experts branch off a common model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Any

from growmerge import ids
from growmerge.config.analysis import Analysis
from growmerge.figures.common import palette
from growmerge.figures.common.figure import Figure
from growmerge.figures.common.selection import Selection
from growmerge.figures.common.wording import over
from growmerge.ids import COMMON, MULTI
from growmerge.lazily import lazily
from growmerge.study.grid import Model
from growmerge.study.shown import Shown

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Drawing

with lazily():
    import numpy as np
    import pandas as pd

    from growmerge.figures.common import style, summaries
    from growmerge.tables import by_language, drops, statistics

COLUMNS = (
    *("part", "measure", "setup", "share", "series", "first", "second"),
    *("value", "low", "high", "n", "n_expected", "by_definition", "chance"),
)
# Colours and marks of none of the papers' setups.
LOOKS = {
    "expert": palette.Look("#000000", "o", "experts, each in its language"),
    "merge": palette.Look("#D55E00", "s", "merges of two, in theirs"),
    "common": palette.Look("#56B4E9", "D", "common model"),
}


def _models(shown: Shown) -> list[Model]:
    """Setups whose experts branch off a common model, and the one whose experts share nothing but where they start."""
    setups, sharing = shown.grid.sharing_setups, shown.study.sharing
    models = [model for model in shown.grid.models if model.setup in setups and model.target != MULTI]
    merges = [
        m for m in shown.grid.merges if m.setup in setups and m.method == shown.pairwise_method and m.step is None
    ]
    return [*models, *(merge for merge in merges if sharing and len(merge.languages) in sharing.sizes)]


def _selection(shown: Shown) -> dict[str, Any]:
    """`shares` says by setup after which share of training experts branch off."""
    return {"setups": list(shown.grid.sharing_setups), "shares": shown.grid.sharing_setups}


# --- data -----------------------------------------------------------------------------------------------------------


def sharing_data(summary: pd.DataFrame, selection: Selection) -> pd.DataFrame:
    """What is plotted, one line per mark: pairs of `selection.languages` merged by `selection.method`, by setup.

    Args:
        summary: scores of the experts, the merges of two and the common models `{setup}/common`.
        selection: languages, method, and `shares`: by setup, the share of training before its experts branch off. At 0
            there is no common training, at 1 there are no experts: the common model is all there is.

    Returns:
        Columns `COLUMNS`, the setups by rising share.

        - part "pair": delta of a pair as `drops.drops` has it, the mean over its two languages of the merge's score
          minus that of the language's expert.
        - part "mean": their mean over all pairs, with its 95 % t interval over pairs; NaN if a pair is missing, as a
          mean over other pairs would not compare. For a share of 1 pairs and mean are 0 `by_definition`.
        - part "score": by `series`, the mean score of the experts, each in its own language, of the merges, in their
          two, and of the common model, in all; `low` and `high` the lowest and highest. NaN if one is missing.

        `n` of `n_expected` values are there: those of the languages in which the summary knows the measure.
    """
    whole = by_language.finished(summary)
    shares: Mapping[str, float] = selection.own.get("shares", {})
    setups = sorted(shares, key=shares.__getitem__)
    rows: list[tuple[Any, ...]] = []
    deltas = drops.drops(whole, [setup for setup in setups if shares[setup] < 1], selection.languages, selection.method)
    for measure in summaries.measures(whole):
        known = whole[whole["measure"] == measure]
        languages = [language for language in selection.languages if (known["language"] == language).any()]
        scores = known.set_index(["id", "language"])["value"].to_dict()
        pairs = list(combinations(sorted(languages), 2))
        for setup in setups:
            about = (measure, setup, shares[setup])
            found = deltas[(deltas["setup"] == setup) & (deltas["measure"] == measure)]
            of_pairs = found.set_index(["first", "second"])["delta"].to_dict()
            rows += _drops(of_pairs if shares[setup] < 1 else None, pairs, about)
            rows += _scores(scores, languages, pairs, selection.method, about)
    table = pd.DataFrame(rows, columns=list(COLUMNS[:-1]))
    chances = whole[whole["language"].isin(selection.languages)].groupby("measure")["chance"].mean()
    table = table.assign(chance=table["measure"].map(chances).astype("float64"))
    text = dict.fromkeys(["part", "measure", "setup", "series", "first", "second"], "str")
    numbers = dict.fromkeys(["share", "value", "low", "high"], "float64")
    return table.astype(text | numbers | {"n": int, "n_expected": int, "by_definition": bool})


def _drops(
    found: Mapping[tuple[str, str], float] | None, pairs: Sequence[tuple[str, str]], about: tuple[str, str, float]
) -> Iterator[tuple[Any, ...]]:
    """The pairs of a setup and their mean; `found` is None where there is nothing to merge."""
    defined = found is None
    values = np.array([0.0 if found is None else found.get(pair, np.nan) for pair in pairs])
    for pair, value in zip(pairs, values, strict=True):
        there = int(not np.isnan(value))
        yield ("pair", *about, "", *pair, value, np.nan, np.nan, there, 1, defined)
    n = int(np.isfinite(values).sum())
    mean = statistics.mean_difference(values if n == len(pairs) else np.array([]))
    yield ("mean", *about, "", "", "", *mean, n, len(pairs), defined)


def _scores(
    scores: Mapping[tuple[str, str], float],
    languages: Sequence[str],
    pairs: Sequence[tuple[str, str]],
    method: str,
    about: tuple[str, str, float],
) -> Iterator[tuple[Any, ...]]:
    """The mean scores of a setup: of experts and merges if there are any, of the common model if there is one."""
    _, setup, share = about
    series = {}
    if share < 1:
        series["expert"] = [scores.get((ids.adapted(setup, x), x), np.nan) for x in languages]
        merges = {pair: ids.merge(setup, pair, method) for pair in pairs}
        series["merge"] = [float(np.mean([scores.get((merges[p], x), np.nan) for x in p])) for p in pairs]
    if share > 0:
        series["common"] = [scores.get((ids.adapted(setup, COMMON), x), np.nan) for x in languages]
    for name, of_series in series.items():
        values = np.array(of_series, dtype=np.float64)
        n = int(np.isfinite(values).sum())
        three = (values.mean(), values.min(), values.max()) if n == len(values) > 0 else (np.nan,) * 3
        yield ("score", *about, name, "", "", *three, n, len(values), False)


# --- what it shows ----------------------------------------------------------------------------------------------------


def sharing_finding(table: pd.DataFrame) -> str:
    """What `sharing_data` shows, in numbers: the mean drop at every share, and the first that is not below zero."""
    means = table[(table["part"] == "mean") & ~table["by_definition"]].dropna(subset="value")
    sentences = []
    for measure, part in means.groupby("measure", sort=False):
        name = style.MEASURE_LABELS.get(measure, measure)
        drops_ = ", ".join(f"{_mean(mark)} at {_percent(mark.share)}" for mark in part.itertuples())
        sentences.append(f"{name}: mean difference {drops_}; {_where_level(part.dropna(subset='high'))}.")
    return " ".join(sentences)


def _mean(mark: Any) -> str:
    known = mark.high == mark.high  # a single pair has no interval
    return _printed(mark.value) + (f" ({_printed(mark.low)} to {_printed(mark.high)})" if known else "")


def _where_level(part: pd.DataFrame) -> str:
    """At which shares the interval of the mean drop reaches zero."""
    if part.empty:
        return "one pair, so no interval"
    level = part[part["high"] >= 0]["share"]
    if level.empty:
        return "its interval stays below 0"
    if (part.loc[part["share"] > level.iloc[0], "high"] < 0).any():
        return f"its interval reaches 0 at {' and '.join(map(_percent, level))} only"
    return f"its interval reaches 0 from {_percent(level.iloc[0])} on"


def _printed(value: float) -> str:
    """With a minus sign instead of a hyphen; what is printed as zero has none."""
    return f"{value:+.3f}".replace("-", "−") if abs(value) >= 0.0005 else "0.000"


def _percent(share: float) -> str:
    return f"{100 * share:g} %"


# --- drawing ----------------------------------------------------------------------------------------------------------


def draw_sharing(table: pd.DataFrame) -> Drawing:
    """Draw `sharing_data`: rows are measures; left what merging costs, right the scores behind it."""
    names = summaries.measures(table)
    if not names:
        return style.nothing("no experts that share a part of their training were scored")
    setups = list(dict.fromkeys(table["setup"]))
    shares = table.drop_duplicates("setup").set_index("setup")["share"]
    labels = [_percent(shares[setup]) for setup in setups]
    figure = style.Figure(figsize=(style.TEXT_WIDTH, 1.4 * len(names) + 0.9), layout="constrained")
    panels = figure.subplots(len(names), 2, squeeze=False, sharex="col")
    for measure, (left, right) in zip(names, panels, strict=True):
        rows = table[table["measure"] == measure]
        for axes in (left, right):
            style.category_axis(axes, labels)
        _drop_panel(left, rows[rows["part"] != "score"], setups)
        _score_panel(right, rows[rows["part"] == "score"], setups)
        left.set_ylabel(style.measure_label(measure))
        for axes, part in ((left, rows["part"] == "mean"), (right, rows["part"] == "score")):
            if rows.loc[part, "value"].isna().any():
                style.make_room(axes, 0.1)
    panels[0][0].set_title("Merge of two minus its experts")
    panels[0][1].set_title("Scores")
    for axes in panels[-1]:
        axes.set_xlabel("Share of training before experts branch off")
    figure.align_ylabels()
    figure.legend(handles=_keys(table), loc="outside lower center", ncols=3, columnspacing=1.4)
    return figure


def _drop_panel(axes: Axes, rows: pd.DataFrame, setups: Sequence[str]) -> None:
    """Each pair a thin line, the mean a thick one with its intervals; hollow where zero is no measurement."""
    axes.axhline(0.0, color=style.GREY, linewidth=0.6, zorder=1)
    measured = rows[~rows["by_definition"]]
    for _, line in measured[measured["part"] == "pair"].groupby(["first", "second"], sort=False):
        x = line["setup"].map(setups.index)
        axes.plot(x, line["value"], ".-", color="0.6", linewidth=0.5, markersize=1.6, zorder=2, gid="pair")
    mean, look = rows[rows["part"] == "mean"], LOOKS["merge"]
    x = mean["setup"].map(setups.index)
    axes.plot(x, mean["value"], ":", color=look.colour, linewidth=0.9, zorder=3)
    full = mean["value"].where(~mean["by_definition"])
    axes.plot(x, full, "-", color=look.colour, linewidth=1.8, zorder=3, gid="mean")
    for place, mark in zip(x, mean.itertuples(), strict=True):
        if pd.isna(mark.value):
            style.mark_missing(axes, place, look.colour)
            continue
        axes.vlines(place, mark.low, mark.high, color=look.colour, linewidth=1.2, zorder=3)
        face = "white" if mark.by_definition else look.colour
        axes.plot([place], [mark.value], look.marker, color=look.colour, markerfacecolor=face, zorder=4)


def _score_panel(axes: Axes, rows: pd.DataFrame, setups: Sequence[str]) -> None:
    """A line a series; thin bars reach from the lowest to the highest."""
    style.chance_line(axes, rows["chance"])
    for (name, look), dodge in zip(LOOKS.items(), style.offsets(len(LOOKS), 0.36), strict=True):
        line = rows[rows["series"] == name]
        x = line["setup"].map(setups.index) + dodge
        known = line["value"].notna()
        axes.vlines(x[known], line["low"][known], line["high"][known], color=look.colour, linewidth=0.8, alpha=0.5)
        axes.plot(x, line["value"], look.marker, linestyle="-", color=look.colour, zorder=3, gid=name)
        for place in x[~known]:
            style.mark_missing(axes, place, look.colour)


def _keys(table: pd.DataFrame) -> list[Artist]:
    drawn = set(table["series"])
    keys: list[Artist] = [style.key("a pair", color="0.6", linestyle="-", linewidth=0.5, marker=".", markersize=3)]
    keys += [
        style.key(look.label, color=look.colour, marker=look.marker, linestyle="-")
        for name, look in LOOKS.items()
        if name in drawn
    ]
    if table["by_definition"].any():
        keys.append(style.key("0 by definition", marker="s", markerfacecolor="white"))
    keys.append(style.bars_key("95 % interval of the mean (left)"))
    keys.append(style.bars_key("lowest to highest (right)"))
    if table["chance"].notna().any():
        keys.append(style.key("chance", **style.CHANCE_KEY))
    if table.loc[table["part"] != "pair", "value"].isna().any():
        keys.append(style.key("no score of one or more", **style.MISSING_KEY))
    return keys


def _caption(selection: Selection, analysis: Analysis) -> str:
    return (
        f"Merging after partly shared training, {over(selection)}. Experts branch off a common model of "
        "all languages after "
        "a share of their training (across, not to scale; 0: they share only the initialisation). Left: score of "
        f"the merge of two by {selection.method}, in their two languages, minus that of their experts, each in its "
        "own: a thin line a pair, in bold their mean with its 95 % t interval over pairs, which share languages "
        "and are not independent. At 100 % there is nothing to merge, so the difference is 0 by definition. Right: "
        "mean scores; bars reach from the lowest to the highest. Dotted: chance. A cross marks a mean that lacks a "
        "part, or has no score."
    )


FIGURE = Figure(
    models=_models,
    data=sharing_data,
    draw=draw_sharing,
    caption=_caption,
    finding=lambda drawn: sharing_finding(drawn.data),
    selection=_selection,
    over_seeds=False,
)
