"""What is left after merging: the score of every merge minus that of its experts, each in its own language."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from growmerge import ids
from growmerge.config.analysis import Analysis
from growmerge.figures.common.figure import Drawn, Figure
from growmerge.figures.common.selection import Selection
from growmerge.figures.common.wording import MERGE, over
from growmerge.lazily import lazily
from growmerge.study.grid import Model
from growmerge.study.shown import Shown

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

with lazily():
    import pandas as pd

    from growmerge.figures.common import style, summaries
    from growmerge.tables import statistics


def _models(shown: Shown) -> list[Model]:
    """All merges and their experts."""
    return shown.with_experts(shown.main_merges)


def _selection(shown: Shown) -> dict[str, Any]:
    """The methods, in the order of the configuration."""
    return {"methods": shown.main_methods}


def kept_data(summary: pd.DataFrame, selection: Selection) -> pd.DataFrame:
    """One line a merge and measure: `difference` to the experts of its languages, in those that have the measure."""
    merges = summaries.merge_scores(summary, selection.languages, selection.methods)
    experts = {
        (measure, setup): summaries.expert_scores(summary, selection.languages, measure, setup).set_index("language")
        for measure in summaries.measures(summary)
        for setup in selection.setups
    }

    def of_experts(merge: Any) -> float:
        own = ids.languages_of(merge.combination)
        return float(experts[merge.measure, merge.setup].loc[own, "value"].mean())

    merges = merges.assign(combination=merges["id"].map(ids.without_method).map(ids.short_name))
    level = [of_experts(merge) for merge in merges.itertuples()]
    return merges.assign(difference=merges["value"] - level)[["measure", "setup", "method", "id", "difference"]]


def draw_kept(data: pd.DataFrame) -> Drawing:
    """A row of panels, one a measure; a mark a merge."""
    measures, methods = (list(dict.fromkeys(data[column])) for column in ("measure", "method"))
    looks = style.looks(dict.fromkeys(data["setup"]))
    figure = style.Figure(figsize=(style.TEXT_WIDTH, 2.4), layout="constrained")
    for axes, measure in zip(figure.subplots(1, len(measures), squeeze=False)[0], measures, strict=True):
        style.category_axis(axes, [style.METHOD_LABELS.get(method, method) for method in methods])
        axes.axhline(0.0, color=style.GREY, linewidth=0.6)
        axes.set_title(style.MEASURE_LABELS.get(measure, measure))
        for mark in data[data["measure"] == measure].itertuples():
            look = looks[mark.setup]
            axes.plot([methods.index(mark.method)], [mark.difference], look.marker, color=look.colour, gid="merge")
    figure.legend(handles=style.setup_keys(looks), loc="outside lower center", ncols=len(looks))
    return figure


def _caption(selection: Selection, analysis: Analysis) -> str:
    return (
        f"Scores of merges minus the mean over languages of the experts, {over(selection)}. {MERGE} A mark is a merge."
    )


def _finding(drawn: Drawn) -> str:
    means = [
        f"{measure}, {method}: {statistics.mean_difference(part['difference'].to_numpy()).mean:+.3f}"
        for (measure, method), part in drawn.data.groupby(["measure", "method"], sort=False)
    ]
    return f"Mean differences: {'; '.join(means)}."


FIGURE = Figure(
    models=_models,
    data=kept_data,
    draw=draw_kept,
    caption=_caption,
    finding=_finding,
    selection=_selection,
)
