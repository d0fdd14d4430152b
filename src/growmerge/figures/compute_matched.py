"""Distributions of scores of models that cost the same (Glocker et al. 2025, Figure 3)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from itertools import cycle, groupby, product
from typing import TYPE_CHECKING, Any

from growmerge.catalogue.entry import OWN_UNITS
from growmerge.config.analysis import Analysis
from growmerge.figures.common import palette
from growmerge.figures.common.figure import Drawn, Figure
from growmerge.figures.common.selection import Selection
from growmerge.figures.common.wider import answer, between_widths, comparisons, rule, wider_setups
from growmerge.figures.common.wording import listed, over
from growmerge.ids import ALL, MACRO, MULTI, PLUS
from growmerge.lazily import lazily
from growmerge.study.grid import Model
from growmerge.study.matching import Match
from growmerge.study.shown import Shown

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Drawing

with lazily():
    import numpy as np
    import pandas as pd

    from growmerge.figures.common import style, summaries

COLUMNS = (
    *("row", "cheaper", "dearer", "target", "relative_difference", "excluded", "role", "id", "step"),
    *("measure", "subset", "languages", "value", "paired", "median", "median_difference"),
)
BOX_FROM = 8  # a box of fewer values would claim a distribution that nobody has seen
SLOTS_IN_A_LINE = 18  # targets side by side: two distributions and a percentage need a third of an inch

_MARKERS = {"acceptability": "o", "parity": "d", "facts": "v"}
_OTHER_MARKERS = ("p", "h", "<", ">", "8")
_EXCLUDED: dict[str, Any] = {"facecolor": "0.93", "edgecolor": "0.7", "hatch": "////", "linewidth": 0}
_PLATE: dict[str, Any] = {"facecolor": "white", "edgecolor": "none", "pad": 0.8}
_NOTE: dict[str, Any] = {"color": palette.GREY, "ha": "center"}


def _models(shown: Shown) -> list[Model]:
    """The models and checkpoints that cost the same."""
    return shown.compared


def _selection(shown: Shown) -> dict[str, Any]:
    """`matches` are the pairs of models that are compared by compute."""
    return {"matches": [asdict(match) for match in shown.matches], **wider_setups(shown, costs=False)}


def matches_by_pair(selection: Selection) -> dict[tuple[str, str], list[Match]]:
    """The matches of the selected setups and targets by (cheaper, dearer), in the order in which they are drawn.

    Which of two setups is the cheaper one may depend on the target: then they are two entries.
    """
    targets, setups = [*selection.languages, MULTI], selection.setups
    matches = [Match(**match) for match in selection.own.get("matches", ())]
    shown = [m for m in matches if m.target in targets and {m.cheaper, m.dearer} <= set(setups)]
    shown.sort(key=lambda m: (setups.index(m.cheaper), setups.index(m.dearer), targets.index(m.target)))
    return {pair: list(part) for pair, part in groupby(shown, key=lambda m: (m.cheaper, m.dearer))}


# --- data -----------------------------------------------------------------------------------------------------------


def compute_matched_data(summary: pd.DataFrame, selection: Selection) -> pd.DataFrame:
    """What is plotted, one line per mark: a benchmark's score of one of two matched models.

    A benchmark is a measure, or each group of its subsets where the summary knows any. `row` is "target" (the score in
    the target language; for `multi` the mean over the target languages that both models have, listed in `languages`) or
    "english". `role` is "cheaper" or "dearer". `paired`: both models have the score; `median` runs over these, and
    `median_difference` is the dearer's median minus the cheaper's, in the unit of the scores. Value NaN where there is
    no score. An excluded match is one line a row without role, measure and value; its id and step are those of the
    dearer's nearest checkpoint. Pairs of setups of which every match is excluded are left out.
    """
    scores = _scores(summary)
    rows = []
    for matches in matches_by_pair(selection).values():
        if all(match.excluded for match in matches):
            continue
        for match, row in product(matches, ("target", "english")):
            targets = selection.languages if match.target == MULTI else (match.target,)
            languages = targets if row == "target" else (selection.english,)
            about = (row, match.cheaper, match.dearer, match.target, match.relative_difference, match.excluded)
            rows += [(*about, *mark) for mark in _marks(scores, match, languages)]
    text = ["row", "cheaper", "dearer", "target", "role", "id", "measure", "subset", "languages"]
    numbers = ["relative_difference", "value", "median", "median_difference"]
    types = dict.fromkeys(text, "str") | dict.fromkeys(numbers, "float64")
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype(types | {"step": int, "excluded": bool, "paired": bool})


def _scores(summary: pd.DataFrame) -> pd.DataFrame:
    """Scores by benchmark, shape (measure x subset x language, id): subsets as fine as the summary has them."""
    summary = summary[~summary["measure"].isin(OWN_UNITS)]  # on other scales, over which no median would make sense
    grouped = ~summary["subset"].isin([ALL, MACRO])
    has_groups = grouped.groupby([summary["measure"], summary["language"]]).transform("any")
    finest = summary[grouped == has_groups]
    by_cell = finest.set_index(["measure", "subset", "language", "id"])["value"]
    return by_cell.unstack("id")  # noqa: PD010  (pivot_table would drop benchmarks without any score)


def _marks(scores: pd.DataFrame, match: Match, languages: Sequence[str]) -> Iterator[tuple[Any, ...]]:
    """The marks of one match in the scores of `languages`: the columns from `role` on."""
    if match.excluded:
        yield ("", match.matched_id, match.matched_step, "", "", "", np.nan, False, np.nan, np.nan)
        return
    ids = [match.cheaper_id, match.matched_id]
    here = scores[scores.index.get_level_values("language").isin(languages)].reindex(columns=ids)
    benchmarks = [(key, part.droplevel([0, 1])) for key, part in here.groupby(["measure", "subset"])]
    benchmarks.sort(key=lambda benchmark: (summaries.measure_order(benchmark[0][0]), benchmark[0][1]))
    both = [part.dropna() for _, part in benchmarks]  # the languages in which both models have a score
    medians = [_median([part[i].mean() for part in both if len(part)]) for i in ids]
    difference = medians[1] - medians[0]
    sides = zip(("cheaper", "dearer"), ids, (match.cheaper_step, match.matched_step), medians, strict=True)
    for role, identifier, step, median in sides:
        if not benchmarks:
            yield (role, identifier, step, "", "", "", np.nan, False, median, difference)
        for ((measure, subset), part), common in zip(benchmarks, both, strict=True):
            paired = len(common) > 0
            known = (common if paired else part)[identifier].dropna()
            averaged = PLUS.join(known.index)
            yield (role, identifier, step, measure, subset, averaged, known.mean(), paired, median, difference)


def _median(values: Sequence[float]) -> float:
    return float(np.median(values)) if values else np.nan


# --- drawing --------------------------------------------------------------------------------------------------------


def draw_compute_matched(table: pd.DataFrame) -> Drawing:
    """Draw `compute_matched_data`: columns are pairs of setups, the upper row the targets, the lower row English."""
    pairs = [(pair, rows) for pair, rows in table.groupby(["cheaper", "dearer"], sort=False)]
    if not pairs:
        return _nothing()
    slots = max(rows["target"].nunique() for _, rows in pairs)
    columns = min(len(pairs), max(1, SLOTS_IN_A_LINE // slots))
    lines = -(-len(pairs) // columns)
    looks = style.looks(dict.fromkeys(setup for pair, _ in pairs for setup in pair))
    markers = _markers(set(table["measure"]) - {""})
    limits = {row: _limits(table[table["row"] == row]) for row in ("target", "english")}

    figure = style.Figure(figsize=(style.TEXT_WIDTH, 2.9 * lines + 0.6), layout="constrained")
    panels = figure.subplots(2 * lines, columns, squeeze=False)
    for index in range(lines * columns):
        line, column = divmod(index, columns)
        above, below = panels[2 * line][column], panels[2 * line + 1][column]
        if index >= len(pairs):
            above.set_axis_off()
            below.set_axis_off()
            continue
        (cheaper, dearer), rows = pairs[index]
        targets = list(dict.fromkeys(rows["target"]))
        above.set_title(f"{looks[cheaper].label} vs. {looks[dearer].label}", pad=9)
        for row, axes in (("target", above), ("english", below)):
            axes.set_ylim(limits[row])
            style.category_axis(axes, targets)
            _panel(axes, rows[rows["row"] == row], targets, looks, markers)
            axes.tick_params(labelleft=column == 0, labelbottom=axes is below)
        _differences(above, rows, targets)
        if column == 0:
            above.set_ylabel("Score in target\nlanguage(s)")
            below.set_ylabel("Score in English")
    figure.align_ylabels()

    keys = _keys(table, looks, markers)
    figure.legend(handles=keys, loc="outside lower center", ncols=4, columnspacing=1.4, handlelength=1.5)
    return figure


def _keys(table: pd.DataFrame, looks: dict[str, style.Look], markers: dict[str, str]) -> list[Artist]:
    """The legend: of what there is, nothing else."""
    keys: list[Artist] = [style.Patch(color=look.colour, label=look.label) for look in looks.values()]
    keys += [
        style.key(style.MEASURE_LABELS.get(measure, measure), marker=marker) for measure, marker in markers.items()
    ]
    keys.append(style.key("median", marker="_", markersize=9, markeredgewidth=1.6))
    if (table["value"].notna() & ~table["paired"]).any():
        keys.append(style.key("counterpart missing", marker="o", markerfacecolor="white"))
    if (table["value"].isna() & ~table["excluded"]).any():
        keys.append(style.key("no score", **style.MISSING_KEY))
    if table["excluded"].any():
        keys.append(style.Patch(label="excluded: too costly", **_EXCLUDED))
    return keys


def _nothing() -> Drawing:
    figure = style.Figure(figsize=(style.TEXT_WIDTH, 0.8), layout="constrained")
    axes = figure.subplots()
    axes.set_axis_off()
    axes.text(0.5, 0.5, "no two setups can be compared by compute", ha="center", va="center", color=style.GREY)
    return figure


def _markers(measures: Iterable[str]) -> dict[str, str]:
    """A marker for every measure, in the measures' order."""
    others = cycle(_OTHER_MARKERS)
    return {measure: _MARKERS.get(measure) or next(others) for measure in sorted(measures, key=summaries.measure_order)}


def _limits(rows: pd.DataFrame) -> tuple[float, float]:
    """One scale for all pairs, with room at the foot for crosses if scores are missing."""
    known = rows["value"].dropna()
    low, high = (known.min(), known.max()) if len(known) else (0.0, 1.0)
    margin = 0.06 * (high - low) or 0.01
    foot = margin * (3 if (rows["value"].isna() & ~rows["excluded"]).any() else 1)
    return low - foot, high + margin


def _panel(
    axes: Axes, rows: pd.DataFrame, targets: Sequence[str], looks: dict[str, style.Look], markers: dict[str, str]
) -> None:
    """One pair of setups: for each target the cheaper model's scores left, the dearer's right."""
    side = dict(zip(("cheaper", "dearer"), style.offsets(2, width=0.84), strict=True))
    lane = dict(zip(markers, style.offsets(len(markers), width=0.3), strict=True))
    for (target, excluded, role), marks in rows.groupby(["target", "excluded", "role"], sort=False):
        slot = targets.index(target)
        if excluded:
            _excluded(axes, slot, marks["relative_difference"].item())
            continue
        look = looks[marks[role].iloc[0]]
        middle = slot + side[role]
        paired = marks.loc[marks["paired"], "value"]
        if len(paired) >= BOX_FROM:
            _box(axes, middle, paired, look.colour)
        if len(paired):
            ends = (middle - 0.18, middle + 0.18)
            axes.hlines(marks["median"].iloc[0], *ends, color=look.colour, linewidth=1.6, zorder=2, gid="median")
        for mark in marks.itertuples():
            x = middle + lane.get(mark.measure, 0.0)  # no lane: the target has no benchmark at all
            if pd.isna(mark.value):
                style.mark_missing(axes, x, look.colour)
            else:
                _point(axes, x, mark, look.colour, markers[mark.measure])


def _point(axes: Axes, x: float, mark: Any, colour: str, marker: str) -> None:
    """A score: with a thin white rim, to stay visible on its median's bar; hollow without a counterpart."""
    face, rim, width = (colour, "white", 0.3) if mark.paired else ("white", colour, 0.6)
    (point,) = axes.plot([x], [mark.value], marker, color=face, markersize=3.4, zorder=3)
    point.set(markeredgecolor=rim, markeredgewidth=width, gid=f"{mark.role} {mark.measure}")


def _box(axes: Axes, x: float, values: pd.Series, colour: str) -> None:
    """Quartiles, and whiskers to the furthest values within 1.5 of their range; the values are drawn anyway."""
    line = {"color": colour, "linewidth": 0.7}
    box = axes.boxplot(
        values, positions=[x], widths=0.36, manage_ticks=False, showfliers=False, showcaps=False,
        boxprops=line, whiskerprops=line, medianprops={"linewidth": 0},
    )  # fmt: skip
    box["boxes"][0].set_gid("box")


def _excluded(axes: Axes, slot: int, difference: float) -> None:
    """A hatched slot that says by how much even the first checkpoint is dearer."""
    within = axes.get_xaxis_transform()
    axes.add_patch(style.Rectangle((slot - 0.5, 0), 1, 1, transform=within, zorder=0.5, gid="excluded", **_EXCLUDED))
    text = _percent(difference)
    axes.text(slot, 0.5, text, transform=within, rotation=90, va="center", size=6, bbox=_PLATE, **_NOTE)


def _differences(axes: Axes, rows: pd.DataFrame, targets: Sequence[str]) -> None:
    """Above each pair, how much more the right model costs than the left one."""
    within = axes.get_xaxis_transform()
    for mark in rows[~rows["excluded"]].drop_duplicates("target").itertuples():
        slot, text = targets.index(mark.target), _percent(mark.relative_difference)
        axes.text(slot, 1.01, text, transform=within, va="bottom", size=5, gid="difference", **_NOTE)


def _percent(share: float) -> str:
    """In at most three digits, with a sign (a true minus) and a thin space: `+0.8 %`, `+130 %`."""
    digits = 1 if abs(share) < 0.0995 else 0
    return f"{100 * share:+.{digits}f}\u2009%".replace("-", "−")


def _caption(selection: Selection, analysis: Analysis) -> str:
    return (
        "Score distributions for compute-matched checkpoints across target-language and English benchmarks, "
        f"{over(selection)}. {_compared(selection, analysis)}{rule(selection)}"
    )


def _compared(selection: Selection, analysis: Analysis) -> str:
    """How models are matched by compute, what the marks are, and which pairs of setups are not there."""
    pairs = matches_by_pair(selection)
    absent = [pair for pair, matches in pairs.items() if all(match.excluded for match in matches)]
    bound = f"even the first checkpoint of the dearer model costs over {100 * analysis.matching_bound:g} % more"
    sentences = [
        "Of the two setups of a panel, left: the finished model of the cheaper one; right: the saved checkpoint of the "
        "dearer one whose cost is nearest. Cost: training FLOPs with those of all ancestors, planned from the "
        "configuration; the percentages above say how much more the right one cost. A checkpoint before the end of a "
        "training has not, or not wholly, been through the decay of its learning rate.",
        "Upper row: scores in the target language; for multi, averages over the target languages for which both "
        "models have a score. Lower row: scores in English of the same models. A mark is a benchmark: a measure, or "
        "each group of phenomena or facts of it; their kinds of score differ, so a median is a coarse summary. "
        "Horizontal bars: medians over the benchmarks for which both have a score; from 8 of them on with a box "
        "(quartiles, whiskers within 1.5 of their range).",
        f"Hatched: excluded, since {bound} (by the percentage given). Hollow: only one of the two has a score. A cross "
        "marks a model with no score.",
    ]
    if absent:
        named = listed([f"{cheaper} vs. {dearer}" for cheaper, dearer in absent])
        sentences.append(f"Not shown, since every target is excluded for the same reason: {named}.")
    if len(absent) == len(pairs):
        sentences.append("No two setups are left to be compared.")
    return " ".join(sentences)


def _finding(drawn: Drawn) -> str:
    """RQ1 of Glocker et al. 2025 at equal cost, from the experts and their matched checkpoints."""
    question = "Does a wider model adapt better (RQ1) for the same training FLOPs?"
    return answer(question, comparisons(drawn, "compute"), drawn.selection)


FIGURE = Figure(
    models=_models,
    data=compute_matched_data,
    draw=draw_compute_matched,
    caption=_caption,
    finding=_finding,
    contrasts=between_widths("compute"),
    selection=_selection,
    over_seeds=False,
)
