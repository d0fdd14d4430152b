"""Experts and multilingual models of every setup, and the English they keep (Glocker et al. 2025, Figure 2)."""

from __future__ import annotations

from itertools import cycle, product
from typing import TYPE_CHECKING, Any

from growmerge import ids
from growmerge.config.analysis import Analysis
from growmerge.figures.common.blind import no_signal
from growmerge.figures.common.figure import Drawn, Figure
from growmerge.figures.common.selection import VALUES, Selection
from growmerge.figures.common.wider import answer, between_widths, comparisons, rule, wider_setups
from growmerge.figures.common.wording import intervals, over
from growmerge.ids import MULTI, UNIGRAM
from growmerge.lazily import lazily
from growmerge.study.grid import Model
from growmerge.study.shown import Shown

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Drawing

with lazily():
    import pandas as pd

    from growmerge.figures.common import style, summaries

UNTRAINED = "untrained"
COLUMNS = ("row", "measure", "series", "setup", "target", "id", "language", *VALUES)
OTHERS = "others"  # the slot of external models among the targets
# How floors are drawn, and what the legend calls them.
FLOORS: dict[str, dict[str, Any]] = {
    UNTRAINED: {"linestyle": "-.", "linewidth": 0.9},
    UNIGRAM: {"linestyle": "--", "linewidth": 0.9},
}
FLOOR_LABELS = {UNTRAINED: "untrained model", UNIGRAM: "token counts (unigram)"}
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def _models(shown: Shown) -> list[Model]:
    """Bases, the adapted models of all setups, models of others, and floors."""
    floors = [floor for floor in shown.floors if floor.kind != "base"]
    return [*shown.bases, *shown.models, *shown.grid.externals, *floors]


def _selection(shown: Shown) -> dict[str, Any]:
    """`bases` are the ids of the bases whose English is drawn: what setups start from, and floors; default: all.

    `untrained` are the ids of the untrained models, which are floors.
    """
    untrained = [floor.id for floor in shown.floors if floor.kind == "base"]
    return {
        "bases": list(dict.fromkeys([*(setup.base for setup in shown.study.setups), *untrained])),
        UNTRAINED: untrained,
        **wider_setups(shown),
    }


def baselines_data(summary: pd.DataFrame, selection: Selection) -> pd.DataFrame:
    """What is plotted, one line per mark; value NaN and n = 0 where there is no score.

    `row` is "target" (the score in the target language) or "english"; `series` is "expert", "multi", "base",
    "external", or a floor: "untrained" or "unigram", in measures without a level of guessing. Multilingual and external
    models, and floors, appear if the summary knows of any.
    """
    names = summaries.measures(summary)
    experts = list(product(names, selection.setups, selection.languages))
    wanted = [("target", "expert", m, s, t, t) for m, s, t in experts]
    wanted += [("english", "expert", m, s, t, selection.english) for m, s, t in experts]
    if (summary["target"] == MULTI).any():
        wanted += [("target", "multi", m, s, MULTI, language) for m, s, language in experts]
        wanted += [("english", "multi", m, s, MULTI, selection.english) for m, s in product(names, selection.setups)]
    cells = pd.DataFrame(wanted, columns=["row", "series", "measure", "setup", "target", "language"])
    models = summaries.look_up(cells.assign(kind="model", method=""), summary)
    is_base = (summary["kind"] == "base") & (summary["language"] == selection.english)
    if selection.own.get("bases") is not None:
        is_base &= summary["id"].isin(selection.own["bases"])
    bases = summaries.overall(summary[is_base]).assign(row="english", series="base")
    others = summaries.overall(summary[summary["kind"] == "external"]).assign(series="external", target=OTHERS)
    in_targets = others[others["language"].isin(selection.languages)].assign(row="target")
    in_english = others[others["language"] == selection.english].assign(row="english")
    floors = _floors(summary, selection)
    parts = [part[list(COLUMNS)] for part in (models, in_targets, in_english, bases, floors)]
    return pd.concat(parts, ignore_index=True)


def _floors(summary: pd.DataFrame, selection: Selection) -> pd.DataFrame:
    """The scores of untrained models and of counted tokens in the target languages, where guessing has no level."""
    untrained, counted = summary["id"].isin(selection.own.get(UNTRAINED, [])), summary["id"] == UNIGRAM
    known = summaries.overall(summary[(untrained | counted) & summary["chance"].isna()]).dropna(subset="value")
    series = known["id"].where(known["id"] == UNIGRAM, UNTRAINED)
    return known[known["language"].isin(selection.languages)].assign(row="target", series=series)


def draw_baselines(table: pd.DataFrame) -> Drawing:
    """Draw `baselines_data`: rows are measures; left the targets, right English."""
    names = list(table["measure"].unique())
    floors = table[table["series"].isin(FLOORS)]
    models = table[~table["series"].isin([*FLOORS, "base"])]
    looks = style.looks(dict.fromkeys(models.loc[models["series"] != "external", "setup"]))
    letters = dict(zip(models.loc[models["series"] == "external", "id"].unique(), cycle(LETTERS), strict=False))
    named = list(table.loc[table["series"] == "base", "id"].unique())
    looks_of_bases = zip(cycle(style.BASE_COLOURS), style.interlaced(len(named)), strict=False)
    bases = {
        name: {"color": colour, "linestyle": dashes, "linewidth": 1.2}
        for name, (colour, dashes) in zip(named, looks_of_bases, strict=False)
    }
    figure = style.Figure(figsize=(style.TEXT_WIDTH, 1.4 * len(names) + 0.9), layout="constrained")
    panels = figure.subplots(len(names), 2, squeeze=False, sharex="col", width_ratios=(1.35, 1))
    for measure, row_axes in zip(names, panels, strict=True):
        rows = models[models["measure"] == measure]
        for row, axes in zip(("target", "english"), row_axes, strict=True):
            _panel(axes, rows[rows["row"] == row], row, looks, letters)
        lines = table[(table["series"] == "base") & (table["measure"] == measure)].dropna(subset="value")
        for line in lines.itertuples():
            row_axes[1].axhline(line.value, gid="base", **bases[line.id])
        slots = list(dict.fromkeys(rows.loc[rows["row"] == "target", "language"]))
        for floor in floors[floors["measure"] == measure].itertuples():
            slot = slots.index(floor.language)
            look = FLOORS[floor.series]
            row_axes[0].hlines(floor.value, slot - 0.45, slot + 0.45, color=style.GREY, gid=floor.series, **look)
        row_axes[0].set_ylabel(style.measure_label(measure))
    panels[0][0].set_title("In the target language")
    panels[0][1].set_title("In English")
    figure.align_ylabels()

    keys = style.setup_keys(looks)
    keys.append(style.key("one target", marker="o"))
    if (models["series"] == "multi").any():
        keys.append(style.key("all targets (multi)", marker="o", markerfacecolor="white"))
    unscored = set(table.loc[(table["series"] == "base") & table["value"].isna(), "id"])
    for name, look in bases.items():
        keys.append(style.key(f"{name} (scores missing)" if name in unscored else name, **look))
    keys.append(style.key("chance", **style.CHANCE_KEY))
    keys += [style.key(FLOOR_LABELS[name], **FLOORS[name]) for name in dict.fromkeys(floors["series"])]
    keys.append(style.bars_key("95 % interval"))
    keys += style.too_few(table)
    if table["value"].isna().any():
        keys.append(style.key("no score", **style.MISSING_KEY))
    keys += [style.key(ids.short_name(name), **_letter(letter)) for name, letter in letters.items()]
    figure.legend(handles=keys, loc="outside lower center", ncols=min(5, len(keys)), columnspacing=1.4)
    return figure


def _panel(axes: Axes, rows: pd.DataFrame, row: str, looks: dict[str, style.Look], letters: dict[str, str]) -> None:
    """One measure in the targets or in English; in English multilingual and external models have slots of their own."""
    in_slots = "language" if row == "target" else "target"
    slots = list(dict.fromkeys(rows[in_slots]))
    style.category_axis(axes, slots)
    style.chance_line(axes, rows["chance"])
    shared = row == "target" and bool(letters)  # the right third of a slot is the external models'
    middle, width = (-0.17, 0.58) if shared else (0.0, 0.8)
    beside = row == "target" and bool((rows["series"] == "multi").any())
    dodge = dict(zip(looks, style.offsets(len(looks), width), strict=True))
    half = 0.24 * width / max(len(looks), 1) if beside else 0.0  # expert and multilingual model stand side by side
    right, room = (0.31, 0.34) if shared else (0.0, 0.9)
    place = dict(zip(letters, style.offsets(len(letters), room), strict=True))
    for mark in rows.itertuples():
        slot = slots.index(getattr(mark, in_slots))
        if mark.series == "external":
            _external(axes, slot + right + place[mark.id], mark, letters[mark.id])
            continue
        look = looks[mark.setup]
        x = slot + middle + dodge[mark.setup] + (half if mark.series == "multi" else -half)
        if pd.isna(mark.value):
            style.mark_missing(axes, x, look.colour)
            continue
        axes.vlines(x, mark.low, mark.high, color=look.colour, linewidth=0.8, zorder=2)
        face = "white" if mark.series == "multi" else look.colour
        axes.plot([x], [mark.value], look.marker, color=look.colour, markerfacecolor=face, zorder=3, gid=mark.series)
    if rows["value"].isna().any():
        style.make_room(axes, 0.08)


def _external(axes: Axes, x: float, mark: Any, letter: str) -> None:
    """A letter that the legend explains, over a thin bar."""
    if pd.isna(mark.value):
        style.mark_missing(axes, x, style.GREY)
        return
    axes.vlines(x, mark.low, mark.high, color="0.75", linewidth=0.6, zorder=1.5)
    axes.plot([x], [mark.value], zorder=3, gid="external", **_letter(letter))


def _letter(letter: str) -> dict[str, Any]:
    return {
        "marker": style.letter_marker(letter),
        "markersize": 3.6,
        "markeredgewidth": 0.2,
        "color": style.GREY,
        "linestyle": "none",
    }


def _caption(selection: Selection, analysis: Analysis) -> str:
    return (
        f"Adapted models before merging, {over(selection)}. Left: score in the target language of the model trained "
        "for it (filled) and of the multilingual model of the same setup (hollow). Right: English score of the same "
        "models, and of the base models (dashed lines; where they are equal, the dashes alternate). Letters, if any: "
        f"models of others, as they are. Bars: {intervals(selection, analysis)}. Dotted: chance. Where guessing has no "
        "level, two floors in its place, if they were scored: an untrained model, and a unigram model, which knows how "
        "often the text of the language has each token (one added to each count), and nothing else. A cross marks a "
        f"model without a score.{rule(selection)}"
    )


def _finding(drawn: Drawn) -> str:
    """RQ1 of Glocker et al. 2025, from the experts in their own languages; and what no benchmark here can tell."""
    rq1 = answer("Does a wider model adapt better (RQ1)?", comparisons(drawn, "setup"), drawn.selection)
    blind = no_signal(drawn.signal) if drawn.signal else ""
    return " ".join(part for part in (rq1, blind) if part)


FIGURE = Figure(
    models=_models,
    data=baselines_data,
    draw=draw_baselines,
    caption=_caption,
    finding=_finding,
    contrasts=between_widths("setup"),
    signal=True,
    selection=_selection,
)
