"""The gap between base and joint training: what merging wins back of it, and at which price."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from growmerge.config.analysis import Analysis
from growmerge.figures.common import palette
from growmerge.figures.common.figure import Drawn, Figure
from growmerge.figures.common.selection import Selection
from growmerge.figures.common.wording import listed, over, same_as_linear
from growmerge.ids import MEAN
from growmerge.lazily import lazily
from growmerge.study.gap import GAP_MEASURES
from growmerge.study.grid import Model
from growmerge.study.shown import Shown
from growmerge.study.sweeps import main_methods

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Drawing

with lazily():
    import pandas as pd

    from growmerge.figures.common import style

COLUMNS = (
    *("part", "measure", "setup", "kind", "method", "rounds", "id"),
    *("members", "cost", "share", "low", "high", "n_merges", "reason"),
)
BARE = "base"  # what a control starts from, where the method of a healed merge stands
_LABELS = {"experts": "Experts", "ensemble": "Ensemble"}


def _models(shown: Shown) -> list[Model]:
    """The candidates' models, with base and joint training; nothing without merges of several languages."""
    wanted = {model for candidate in shown.candidates for model in candidate.models}
    return [model for model in shown.grid if model.id in wanted] if shown.merges else []


def _selection(shown: Shown) -> dict[str, Any]:
    """`methods`: also those that merge all languages alone, but no further densities of a sweep."""
    return {"methods": main_methods(shown.study.merging.methods)}


# --- data -----------------------------------------------------------------------------------------------------------


def gap_data(table: pd.DataFrame, selection: Selection) -> pd.DataFrame:
    """What is plotted, one line a mark: columns `COLUMNS`; `share` is NaN where there is none, with the `reason`.

    - part "method": all languages, by setup, without joint training: the merges by the selected methods, merges in
      rounds, the ensemble, the experts; with the intervals of `growmerge.tables.gap`.
    - part "cost": all languages, trained on together: healed merges by cost, a share of the joint training's FLOPs,
      beginning with the merge itself; and the control, which begins with the base (share 0).
    - part "members": by setup and number of languages, the mean share over the merges (`n_merges`) by
      `selection.method`, and by the method with the highest share of all languages in that setup and measure, among
      those that merge every number of languages; `low` and `high` are the lowest and the highest merge.

    With several seeds, `share` of part "members" is that of the means over the merges, and the further columns
    `interval_low` and `interval_high` have its interval over seeds and items.
    """
    columns = [*COLUMNS, *(["interval_low", "interval_high"] if "seeds" in table else [])]
    table = table[(table["method"] == "") | table["method"].isin(selection.methods)].assign(n_merges=1)
    everything = table[table["members"] == len(selection.languages)]
    order = {name: place for place, name in enumerate(("merge", "rounds", "ensemble", "experts"))}
    alone = everything[everything["kind"].isin(order)].assign(part="method")
    alone = alone.sort_values("kind", key=lambda kinds: kinds.map(order), kind="stable")
    parts = [alone, *_by_cost(everything), *_by_members(table, alone, selection)]
    return pd.concat(parts, ignore_index=True).reindex(columns=columns)


def _by_cost(everything: pd.DataFrame) -> Iterator[pd.DataFrame]:
    trained = everything[everything["kind"].isin(["healed", "control"])]
    trained = trained.assign(method=trained["method"].where(trained["kind"] == "healed", BARE))
    for (measure, setup, method), line in trained.groupby(["measure", "setup", "method"], sort=False):
        here = (everything["measure"] == measure) & (everything["setup"] == setup)
        start = everything[here & (everything["kind"] == "merge") & (everything["method"] == method)]
        if method == BARE:
            start = line.iloc[:1].assign(cost=0.0, share=0.0, low=0.0, high=0.0)
        yield pd.concat([start, line]).sort_values("cost", kind="stable").assign(part="cost", method=method)


def _by_members(table: pd.DataFrame, alone: pd.DataFrame, selection: Selection) -> Iterator[pd.DataFrame]:
    merges = table[table["kind"] == "merge"]
    for (measure, setup), part in merges.groupby(["measure", "setup"], sort=False):
        whole = alone[(alone["measure"] == measure) & (alone["setup"] == setup) & (alone["kind"] == "merge")]
        sizes = part.groupby("method")["members"].nunique()
        everywhere = whole["method"].map(sizes) == part["members"].nunique()
        known = whole[everywhere].dropna(subset="share")
        best = [] if known.empty else [known.loc[known["share"].idxmax(), "method"]]
        for method in dict.fromkeys([selection.method, *best]):
            shares = part[part["method"] == method].groupby("members")["share"]
            found = shares.agg(share="mean", low="min", high="max", n_merges="size").reset_index()
            if "seeds" in table:
                found = _with_intervals(found, table[table["method"] == method], str(measure), str(setup))
            yield found.assign(
                part="members", measure=measure, setup=setup, kind="merge", method=method, rounds=1, id="", reason=""
            )


def _with_intervals(found: pd.DataFrame, table: pd.DataFrame, measure: str, setup: str) -> pd.DataFrame:
    """Shares by number of members as `tables.gap` has them of the mean over merges, or of the one merge there is."""
    of_panel = table[(table["measure"] == measure) & (table["setup"] == setup)]
    means = of_panel[of_panel["kind"] == MEAN].set_index("members")
    single = of_panel[of_panel["kind"] == "merge"].drop_duplicates("members", keep=False).set_index("members")
    of_size = pd.concat([means, single.drop(index=means.index, errors="ignore")]).reindex(found["members"])
    shares = of_size[["share", "low", "high"]].to_numpy()
    return found.assign(share=shares[:, 0], interval_low=shares[:, 1], interval_high=shares[:, 2])


# --- drawing --------------------------------------------------------------------------------------------------------


def draw_gap(table: pd.DataFrame) -> Drawing:
    """Draw `gap_data`: rows are measures; by method, by cost of joint training, by number of languages."""
    measures = [measure for measure in GAP_MEASURES if (table["measure"] == measure).any()]
    if not measures:
        return style.nothing("nothing is compared with a gap")
    looks = style.looks(table["setup"].unique())
    costs = bool((table["part"] == "cost").any())
    figure = style.Figure(figsize=(style.TEXT_WIDTH, 1.45 * len(measures) + 1.1), layout="constrained")
    columns = 3 if costs else 2
    panels = figure.subplots(
        len(measures), columns, squeeze=False, sharex="col", sharey="row", width_ratios=(2.1, *[1.0] * (columns - 1))
    )
    dashes = _dashes(table)
    for measure, row in zip(measures, panels, strict=True):
        marks = table[table["measure"] == measure]
        for axes in row:
            axes.axhline(0.0, color=style.GREY, linewidth=0.6, zorder=1)
            axes.axhline(1.0, color=style.GREY, linewidth=0.6, linestyle="--", zorder=1)
        _by_method_panel(row[0], marks[marks["part"] == "method"], looks)
        if costs:
            _by_cost_panel(row[1], marks[marks["part"] == "cost"], looks, dashes)
        _by_members_panel(row[-1], marks[marks["part"] == "members"], looks)
        row[0].set_ylabel(style.measure_label(measure))
    titles = ["Without joint training", *(["With some"] if costs else []), "2 to all languages"]
    for title, axes in zip(titles, panels[0], strict=True):
        axes.set_title(title)
    if costs:
        panels[-1][1].set_xlabel("FLOPs beyond the experts\n(% of joint training)")
    figure.supylabel("Share of the gap from base (0) to joint training (1)", size=7.5)
    keys = [*style.setup_keys(looks), style.key("joint training", linestyle="--", linewidth=0.6)]
    keys += [style.key(_start(method), linestyle=dash, linewidth=1.0) for method, dash in dashes.items()]
    keys += [style.key("best method (right)", linestyle="-"), style.key("baseline method (right)", linestyle=":")]
    keys.append(style.bars_key("95 % interval; right: lowest to highest merge"))
    of_means = style.means_key(table)
    keys += of_means
    if table["share"].isna().any():
        keys.append(style.key("no share", **style.MISSING_KEY))
    figure.legend(handles=keys, loc="outside lower center", ncols=3 if of_means else 4, columnspacing=1.2)
    return figure


def _dashes(table: pd.DataFrame) -> dict[str, Any]:
    """A kind of line for each beginning of joint training: solid for a merge, first; dotted for the base."""
    methods = list(dict.fromkeys(table.loc[table["part"] == "cost", "method"]))
    merges = [method for method in methods if method != BARE]
    dashes: dict[str, Any] = dict(zip(merges, ("-", *palette.DASHES), strict=False))
    return dashes | ({BARE: ":"} if BARE in methods else {})


def _start(method: str) -> str:
    return "from the base" if method == BARE else f"from {palette.method_label(method)}"


def _label(mark: Any) -> str:
    """The name of a slot; with what is computed beyond the experts, in percent of joint training, from 0.5 on."""
    name = _LABELS.get(mark.kind) or palette.method_label(mark.method)
    name = f"{name}, {mark.rounds} rounds" if mark.kind == "rounds" else name
    return f"{name} (+{mark.cost:.0%})" if mark.cost >= 0.005 else name


def _by_method_panel(axes: Axes, rows: pd.DataFrame, looks: dict[str, style.Look]) -> None:
    labels = [_label(mark) for mark in rows.itertuples()]
    slots = list(dict.fromkeys(labels))
    style.category_axis(axes, slots)
    axes.tick_params(axis="x", rotation=90)
    dodge = dict(zip(looks, style.offsets(len(looks)), strict=True))
    for label, mark in zip(labels, rows.itertuples(), strict=True):
        _mark(axes, slots.index(label) + dodge[mark.setup], mark, looks[mark.setup])


def _by_cost_panel(axes: Axes, rows: pd.DataFrame, looks: dict[str, style.Look], dashes: dict[str, Any]) -> None:
    for (setup, method), line in rows.groupby(["setup", "method"], sort=False):
        look, known = looks[setup], line.dropna(subset="share")
        axes.plot(
            100 * known["cost"], known["share"], color=look.colour, linestyle=dashes[method], zorder=2, gid=method
        )
        for mark in known.itertuples():
            _mark(axes, 100 * mark.cost, mark, look, size=2.6)


def _by_members_panel(axes: Axes, rows: pd.DataFrame, looks: dict[str, style.Look]) -> None:
    sizes = sorted(rows["members"].unique())
    style.category_axis(axes, [str(size) for size in sizes])
    dodge = dict(zip(looks, style.offsets(len(looks), width=0.6), strict=True))
    for (setup, method), line in rows.groupby(["setup", "method"], sort=False):
        baseline, *others = rows.loc[rows["setup"] == setup, "method"].unique()
        look, known = looks[setup], line.dropna(subset="share")
        xs = [sizes.index(size) + dodge[setup] for size in known["members"]]
        axes.plot(xs, known["share"], ":" if others and method == baseline else "-", color=look.colour, zorder=2)
        for x, mark in zip(xs, known.itertuples(), strict=True):
            style.wide_bar(axes, x, mark, look.colour)
            _mark(axes, x, mark, look, size=2.6)


def _mark(axes: Axes, x: float, mark: Any, look: style.Look, size: float = 3.4) -> None:
    """A mark with its interval; a cross where there is no share."""
    if pd.isna(mark.share):
        style.mark_missing(axes, x, look.colour)
        return
    if pd.notna(mark.low):
        axes.vlines(x, mark.low, mark.high, color=look.colour, linewidth=0.8, alpha=0.6, zorder=2)
    axes.plot([x], [mark.share], look.marker, color=look.colour, markersize=size, zorder=3)


# --- words ----------------------------------------------------------------------------------------------------------


def _caption(selection: Selection, analysis: Analysis) -> str:
    return (
        "What merging wins back of the gap between the base (0) and the model that is trained on all languages "
        f"together (1, dashed), {over(selection)}: (model - base) / (joint - base), each a mean over the languages of "
        f"the merge. Left: merges of all languages, by {listed(selection.methods)}; experts: each in its own language, "
        "which no single model reaches; in brackets, what a method computes with models and text, in percent of the "
        "joint training's FLOPs; ensemble: the mean of the experts' probabilities, at their cost each time it "
        "is used; rounds: experts that restarted from their merge. Middle: merges, and the base as a control, trained "
        "on together for a share of the joint training. Right: by number of merged languages, the mean over merges "
        f"for {selection.method} (dotted) and for the method that is best with all languages, among those that merge "
        "every number of them. Bars: 95 % intervals "
        f"over {'seeds and ' if selection.averaged else ''}items ({analysis.bootstrap_resamples} bootstrap resamples, "
        "the same items for all models; bits per byte: over documents), on the right the lowest and the highest merge"
        f"{', and wide bars the interval of the mean' if selection.averaged else ''}."
        f"{'' if selection.averaged else ' They do not show the variation between training runs.'} A cross "
        "marks a measure in which joint training is not better than the base beyond chance, or a model without "
        f"a score.{same_as_linear(selection.methods)}"
    )


def _finding(drawn: Drawn) -> str:
    """The best merge of all languages in each setup beside the baseline, and what joint training adds."""
    data = drawn.data[drawn.data["measure"] == GAP_MEASURES[0]].dropna(subset="share")
    sentences = []
    for setup, part in data.groupby("setup", sort=False):
        merges = part[(part["part"] == "method") & (part["kind"] == "merge")]
        if merges.empty:
            continue
        best = merges.loc[merges["share"].idxmax()]
        baseline = merges[merges["method"] == drawn.selection.method]
        text = f"{setup}: {best['method']} wins back {_share(best)} of the gap in bits per byte"
        if len(baseline) and best["method"] != drawn.selection.method:
            text += f", {drawn.selection.method} {_share(baseline.iloc[0])}"
        trained = part[(part["part"] == "cost") & (part["cost"] > 0)]
        for cost, line in trained.groupby("cost"):
            top = line.loc[line["share"].idxmax()]
            start = "the base" if top["method"] == BARE else top["method"]
            text += f"; with {100 * cost:.0f} % of the joint training, from {start}, {_share(top)}"
        sentences.append(text)
    return f"All languages merged. {'. '.join(sentences)}." if sentences else ""


def _share(mark: pd.Series) -> str:
    interval = f" ({mark['low']:.2f} to {mark['high']:.2f})" if pd.notna(mark["low"]) else ""
    return f"{mark['share']:.2f}{interval}"


FIGURE = Figure(
    models=_models,
    data=gap_data,
    draw=draw_gap,
    caption=_caption,
    finding=_finding,
    selection=_selection,
    source="gap",
)
