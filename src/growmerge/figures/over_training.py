"""Scores over training: one model of all languages against the merge of the experts (Aycock et al. 2026, Figure 1)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise, product
from typing import TYPE_CHECKING, Any, NamedTuple

from growmerge import ids
from growmerge.catalogue.entry import LOWER_IS_BETTER
from growmerge.config.analysis import Analysis
from growmerge.figures.common.figure import Figure
from growmerge.figures.common.selection import Selection
from growmerge.figures.common.wording import listed, over, over_items, same_as_linear, score
from growmerge.ids import MEAN, MULTI
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
    from growmerge.tables import means

COLUMNS = (
    *("measure", "language", "setup", "method", "id", "step", "tokens"),
    *("value", "low", "high", "chance", "averaged"),
)
UNSEEN: dict[str, Any] = {"linestyle": (0, (1, 5)), "linewidth": 0.8}  # where no checkpoint lies between two marks
PANELS_IN_A_LINE = 5  # of single languages, beside the mean
FAR_APART = 1 / 2  # of the tokens of all training: no line is drawn over a longer stretch without a checkpoint
MARKED_TO = 15  # points of a line that are told apart by full-sized marks


def _models(shown: Shown) -> list[Model]:
    """The mixed model and the merges of all languages: at the steps that are merged, and finished."""
    grid = shown.grid
    merged = shown.study.merging.over_training
    setups = merged.setups if merged else []
    everything = [
        m for m in grid.merges if m.method in shown.main_methods and len(m.languages) == len(grid.study.languages)
    ]
    return [
        *grid.mixed_over_training,
        *(model for model in grid.models if model.setup in setups and model.target == MULTI),
        *(merge for merge in everything if merge.setup in setups),
    ]


def _selection(shown: Shown) -> dict[str, Any]:
    """`steps` says by model id how long finished models train, in optimizer steps of `tokens_per_step` tokens."""
    merged, costs = shown.study.merging.over_training, shown.costs
    return {
        "setups": merged.setups if merged else [],
        "methods": shown.methods_side_by_side,
        "steps": {model.id: costs.steps(model.id) for model in shown.grid.models if costs.can_tell(model.id)},
        "tokens_per_step": costs.tokens(1),
    }


# --- data -----------------------------------------------------------------------------------------------------------


def over_training_data(summary: pd.DataFrame, selection: Selection) -> pd.DataFrame:
    """What is plotted, one line per mark: `multi` and the merges of all selected languages, over their training.

    Args:
        summary: scores of finished models and of intermediate checkpoints; the latter have a `step`.
        selection: languages, setups, and the methods of the merges; `steps` and `tokens_per_step`.

    Returns:
        Columns `COLUMNS`. `method` is empty for the mixed model, `multi`. `tokens` is what each trained model has seen;
        for the merge of finished models the mean over these, NaN where `steps` lacks one. `language` "mean" is the
        unweighted mean over the languages in `averaged`: all selected ones in which the summary knows the measure, the
        same for every mark; NaN where a score is missing. Its interval is that of `means.mean_of_languages`.
    """
    everything = ids.combination(selection.languages)
    steps, tokens_per_step = selection.own.get("steps", {}), selection.own.get("tokens_per_step", 0)
    rows = summaries.overall(summary)
    rows = rows[rows["language"].isin(selection.languages) & rows["setup"].isin(selection.setups)]
    mixed = rows["kind"].isin(["model", "checkpoint"]) & (rows["target"] == MULTI)
    merged = (rows["kind"] == "merge") & (rows["target"] == everything) & rows["method"].isin(selection.methods)
    rows = rows[mixed | merged]
    tokens = [_steps(row, steps) * tokens_per_step for row in rows.itertuples()]
    rows = rows.assign(tokens=tokens).sort_values("tokens", kind="stable")
    marks: list[tuple[Any, ...]] = []
    for measure in summaries.measures(rows):
        of_measure = rows[rows["measure"] == measure]
        averaged = [language for language in selection.languages if (of_measure["language"] == language).any()]
        for line in product(selection.setups, ["", *selection.methods]):
            of_line = of_measure[(of_measure["setup"] == line[0]) & (of_measure["method"] == line[1])]
            for _, cells in of_line.groupby("id", sort=False):
                marks += _marks(cells.set_index("language").reindex(averaged), (measure, *line))
    table = pd.DataFrame(marks, columns=list(COLUMNS))
    text = dict.fromkeys(["measure", "language", "setup", "method", "id", "averaged"], "str")
    numbers = dict.fromkeys(["tokens", "value", "low", "high", "chance"], "float64")
    return table.astype(text | numbers | {"step": "Int64"})


def _steps(row: Any, steps: Mapping[str, int]) -> float:
    """Optimizer steps of a checkpoint or finished model, or the mean over the members of a merge; NaN if not known."""
    if pd.notna(row.step):
        return float(row.step)
    members = [ids.adapted(row.setup, target) for target in ids.languages_of(row.target)]
    return float(np.mean([steps.get(member, np.nan) for member in members]))


def _marks(cells: pd.DataFrame, about: tuple[str, str, str]) -> Iterator[tuple[Any, ...]]:
    """The mean over languages and each language, of one model; `cells` by language."""
    measure, setup, method = about
    first = cells.dropna(subset="id").iloc[0]
    model = (setup, method, first["id"], first["step"], first["tokens"])
    yield (measure, MEAN, *model, *means.mean_of_languages(cells), cells["chance"].mean(), ids.PLUS.join(cells.index))
    for cell in cells.itertuples():
        yield (measure, cell.Index, *model, cell.value, cell.low, cell.high, cell.chance, "")


# --- what it shows ----------------------------------------------------------------------------------------------------


def over_training_finding(table: pd.DataFrame) -> str:
    """What `over_training_data` shows, in numbers: where both end, and how often their intervals are apart."""
    averages = table[table["language"] == MEAN].dropna(subset=["tokens", "value"])
    sentences = []
    for (measure, setup), part in averages.groupby(["measure", "setup"], sort=False):
        mixed = part[part["method"] == ""]
        if mixed.empty or len(mixed) == len(part):
            continue
        clauses = [_against(mixed, merged, method) for method, merged in part.groupby("method", sort=False) if method]
        name = style.MEASURE_LABELS.get(measure, measure)
        sentences.append(f"{name}, {setup}: mixed ends at {_interval(mixed.iloc[-1])}; {'; '.join(clauses)}.")
    absent = sorted(set(table.loc[table["tokens"].isna(), "id"]))
    if absent:
        sentences.append(f"Not drawn, since the length of training is not known: {', '.join(absent)}.")
    return f"Means over languages. {' '.join(sentences)}" if sentences else ""


def _against(mixed: pd.DataFrame, merged: pd.DataFrame, method: str) -> str:
    """Where the merges by a method end, and at how many steps they are worse than the mixed model, or at chance."""
    # Finished models have no step: the one pair of them is joined by this.
    both = mixed.fillna({"step": -1}).merge(merged.fillna({"step": -1}), on="step", suffixes=("_mixed", ""))
    end = merged.iloc[-1]
    text = f"{method} at {_interval(end)}"
    both, merged = both.dropna(subset=["low", "high", "low_mixed", "high_mixed"]), merged.dropna(subset=["low", "high"])
    if merged.empty:  # too few items for intervals: nothing is known of what is apart
        return text
    lower_is_better = end["measure"] in LOWER_IS_BETTER
    worse = both["low"] > both["high_mixed"] if lower_is_better else both["high"] < both["low_mixed"]
    text += f", worse with intervals apart at {int(worse.sum())} of {len(both)} steps"
    if pd.notna(end["chance"]):
        around = int(((merged["low"] <= merged["chance"]) & (merged["chance"] <= merged["high"])).sum())
        text += f", with chance ({end['chance']:.2f}) in its own at {around} of {len(merged)}"
    return text


def _interval(mark: pd.Series) -> str:
    return score(mark["value"], mark["low"], mark["high"])


# --- drawing ----------------------------------------------------------------------------------------------------------


class _Line(NamedTuple):
    """How a series looks."""

    colour: str
    marker: str
    dash: Any
    face: str
    label: str


def draw_over_training(table: pd.DataFrame) -> Drawing:
    """Draw `over_training_data`: rows are measures; left the mean over languages, right each language."""
    names = summaries.measures(table)
    if not names:
        return style.nothing("no model of all languages, and no merge of all, was scored")
    languages = [language for language in dict.fromkeys(table["language"]) if language != MEAN]
    lines = -(-len(languages) // PANELS_IN_A_LINE)
    columns = -(-len(languages) // lines)
    series = _series(table)
    unit, unit_name = _unit(table["tokens"].max())
    farthest = FAR_APART * table["tokens"].max()
    figure = style.Figure(figsize=(style.TEXT_WIDTH, (1.45 if lines == 1 else 0.95 * lines) * len(names) + 0.9))
    figure.set_layout_engine("constrained")
    grid = figure.add_gridspec(len(names) * lines, 1 + columns, width_ratios=(1.7, *[1] * columns))
    for index, measure in enumerate(names):
        rows = table[table["measure"] == measure]
        top = index * lines
        lowest = index == len(names) - 1
        mean = figure.add_subplot(grid[top : top + lines, 0])
        panels = {MEAN: mean}
        for place, language in enumerate(languages):
            line, column = divmod(place, columns)
            panels[language] = figure.add_subplot(grid[top + line, 1 + column], sharex=mean, sharey=mean)
            below = place + columns >= len(languages)  # nothing stands below it in this measure
            panels[language].tick_params(labelleft=lines > 1 and column == 0, labelbottom=lowest and below)
        mean.tick_params(labelbottom=lowest)
        if lowest:
            mean.set_xlabel(f"Tokens that each trained\nmodel has seen{unit_name}")
        for language, axes in panels.items():
            _panel(axes, rows[rows["language"] == language], series, unit, farthest)
            if index == 0:
                axes.set_title("Mean over languages" if language == MEAN else language)
            elif lines > 1 and language != MEAN:
                axes.set_title(language)
        mean.set_ylabel(style.measure_label(measure))
        if rows["value"].isna().any():
            style.make_room(mean, 0.08)
    figure.align_ylabels()
    keys = _keys(series, table, farthest)
    figure.legend(handles=keys, loc="outside lower center", ncols=min(4, len(keys)), columnspacing=1.4)
    return figure


def _series(table: pd.DataFrame) -> dict[tuple[str, str], _Line]:
    """A look for every setup and method: the mixed model filled, merges hollow.

    Of several setups, each has its colour, and methods have dashes; of a single one, methods have colours.
    """
    setups, methods = list(dict.fromkeys(table["setup"])), [m for m in dict.fromkeys(table["method"]) if m]
    several = len(setups) > 1
    looks = style.looks([*setups, *methods])
    series = {}
    for setup, (place, method) in product(setups, enumerate(["", *methods])):
        look = looks[setup] if several or not method else looks[method]
        dash = "-" if not method or not several else style.DASHES[(place - 1) % len(style.DASHES)]
        label = f"merged: {style.method_label(method)}" if method else "mixed (multi)"
        series[setup, method] = _Line(look.colour, look.marker, dash, "white" if method else look.colour, label)
    return series


def _unit(most: float) -> tuple[float, str]:
    """What tokens are counted in, and how the axis says so."""
    units = ((1e9, " (billions)"), (1e6, " (millions)"), (1e3, " (thousands)"))
    return next((unit for unit in units if most >= unit[0]), (1.0, ""))


def _stretches(part: pd.DataFrame, farthest: float) -> list[pd.DataFrame]:
    """The marks of a line, cut where no checkpoint lies between two that are farther apart than `farthest` tokens."""
    return [stretch for _, stretch in part.groupby((part["tokens"].diff() > farthest).cumsum())]


def _panel(
    axes: Axes, rows: pd.DataFrame, series: Mapping[tuple[str, str], _Line], unit: float, farthest: float
) -> None:
    """One language or the mean: a line a series, with its intervals as a band; gaps where scores are missing."""
    style.chance_line(axes, rows["chance"])
    if rows.empty:  # the measure lacks the language
        axes.text(0.5, 0.5, "no scores", transform=axes.transAxes, ha="center", va="center", color=style.GREY, size=6)
    for key, part in rows.dropna(subset="tokens").groupby(["setup", "method"], sort=False):
        look, x = series[key], part["tokens"] / unit
        size, edge, face = (2.6, 0.7, look.face) if len(part) <= MARKED_TO else (0.8, 0.2, look.colour)
        stretches = _stretches(part, farthest)
        for stretch in stretches:
            near = stretch["tokens"] / unit
            axes.fill_between(near, stretch["low"], stretch["high"], color=look.colour, alpha=0.12, linewidth=0)
            (line,) = axes.plot(near, stretch["value"], look.marker, linestyle=look.dash, color=look.colour, zorder=3)
            line.set(markersize=size, markeredgewidth=edge, markerfacecolor=face, gid="merged" if key[1] else "mixed")
            if len(stretch) == 1:  # neither line nor band: a bar
                axes.vlines(near, stretch["low"], stretch["high"], color=look.colour, linewidth=1.6, alpha=0.3)
        for before, after in pairwise(stretches):
            ends = pd.concat([before.iloc[-1:], after.iloc[:1]])
            axes.plot(ends["tokens"] / unit, ends["value"], color=look.colour, **UNSEEN, gid="unseen")
        for missing in x[part["value"].isna()]:
            style.mark_missing(axes, missing, look.colour)
    axes.set_xlim(left=0)
    axes.xaxis.set_major_locator(style.MaxNLocator(3, min_n_ticks=2))
    axes.yaxis.set_major_locator(style.MaxNLocator(4))


def _keys(series: Mapping[tuple[str, str], _Line], table: pd.DataFrame, farthest: float) -> Sequence[Artist]:
    setups = list(dict.fromkeys(setup for setup, _ in series))
    keys: list[Artist] = list(style.setup_keys(style.looks(setups))) if len(setups) > 1 else []
    for look in [look for (setup, _), look in series.items() if setup == setups[0]]:
        one = {"color": look.colour, "marker": look.marker} if len(setups) == 1 else {"marker": "o"}
        face = look.face if look.face == "white" else one.get("color", style.GREY)
        keys.append(style.key(look.label, **one, linestyle=look.dash, markerfacecolor=face))
    lines = table.dropna(subset="tokens").groupby(["measure", "language", "setup", "method"], sort=False)
    if any(len(_stretches(line, farthest)) > 1 for _, line in lines):
        keys.append(style.key("no checkpoint between", **UNSEEN))
    if table["chance"].notna().any():
        keys.append(style.key("chance", **style.CHANCE_KEY))
    keys += style.too_few(table)
    if table["value"].isna().any():
        keys.append(style.key("no score", **style.MISSING_KEY))
    return keys


def _caption(selection: Selection, analysis: Analysis) -> str:
    return (
        f"Training on all languages against merging experts, over training, {over(selection)}: the mixed "
        "model (multi), and "
        f"the merges of the experts of all languages by {listed(selection.methods)}, at the same steps; the last "
        "mark is that of the finished models. Across: tokens that each trained model has seen, not those of all "
        "experts together; for a merge of experts with trainings of unequal length, their mean. Left: unweighted "
        "mean over all languages that the measure has, with an interval that takes languages for independent. "
        f"Bands: {over_items(analysis)}; they do not show the variation between training runs. Loosely dotted: no "
        "checkpoint was scored over more than half of the tokens, so nothing is known between the two marks. "
        f"Dotted: chance. A cross marks a mean or language with no score.{same_as_linear(selection.methods)}"
    )


FIGURE = Figure(
    models=_models,
    data=over_training_data,
    draw=draw_over_training,
    caption=_caption,
    finding=lambda drawn: over_training_finding(drawn.data),
    selection=_selection,
    over_seeds=False,
)
