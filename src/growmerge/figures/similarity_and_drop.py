"""Similarity of two models against what merging them costs (Aycock et al. 2026, Figure 3), setups side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

from growmerge.catalogue.entry import OWN_UNITS
from growmerge.config.analysis import Analysis
from growmerge.figures.common import palette
from growmerge.figures.common.figure import Drawn, Figure
from growmerge.figures.common.selection import Selection
from growmerge.figures.common.wording import difference, listed, over
from growmerge.ids import ALL, MEAN
from growmerge.lazily import lazily
from growmerge.study.grid import Model
from growmerge.study.shown import Shown

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Drawing

with lazily():
    import pandas as pd

    from growmerge.comparing import statistics
    from growmerge.figures.common import style, summaries
    from growmerge.tables import drops

COEFFICIENTS = ("pearson", "spearman")
FEWEST = 3  # points, for a coefficient


def _models(shown: Shown) -> list[Model]:
    """Merges of two by one method, and the experts, whose weights and hidden states are compared."""
    return shown.pairs()


def _drawn() -> dict[str, str]:
    """The similarities that are drawn, and their labels; the table has all."""
    return {name: measure.label or name for name, measure in statistics.similarities().items() if measure.drawn}


def similarity_and_drop_data(pairs: pd.DataFrame, selection: Selection) -> pd.DataFrame:
    """What is plotted, one line per mark: `drops.PAIR_COLUMNS` of the selected setups and languages.

    `pearson` and `spearman` are the coefficients of `x` and `delta` over the `n` pairs of the mark's panel, its measure
    and similarity in all setups together, that have both; NaN for fewer than `FEWEST`.
    """
    drawn = list(_drawn())
    chosen = pairs[
        pairs["setup"].isin(selection.setups)
        & pairs["first"].isin(selection.languages)
        & pairs["second"].isin(selection.languages)
        & pairs["similarity"].isin(drawn)
    ]
    parts = []
    for _, part in chosen.groupby(["measure", "similarity"], sort=False):
        known = part[["x", "delta"]].dropna()
        varied = len(known) >= FEWEST and bool((known.max() > known.min()).all())
        found = {name: known["x"].corr(known["delta"], name) if varied else float("nan") for name in COEFFICIENTS}
        parts.append(part.assign(n=len(known), **found))
    table = pd.concat(parts) if parts else chosen.assign(n=0, pearson=0.0, spearman=0.0)
    measures = sorted(table["measure"].unique(), key=lambda name: (name == MEAN, summaries.measure_order(name)))
    orders = [selection.setups, measures, drawn]
    place = {name: index for names in orders for index, name in enumerate(names)}
    return table.sort_values(
        ["measure", "similarity", "setup"], key=lambda column: column.map(place), kind="stable", ignore_index=True
    )[[*drops.PAIR_COLUMNS, "n", *COEFFICIENTS]]


def draw_similarity_and_drop(table: pd.DataFrame) -> Drawing:
    """Draw `similarity_and_drop_data`: rows are measures of the scores, columns measures of similarity."""
    measures, similarities = list(dict.fromkeys(table["measure"])), list(dict.fromkeys(table["similarity"]))
    looks = style.looks(dict.fromkeys(table["setup"]))
    figure = style.Figure(figsize=(style.TEXT_WIDTH, 1.0 * len(measures) + 0.9), layout="constrained")
    if not measures:
        axes = figure.subplots()
        axes.set_axis_off()
        axes.text(0.5, 0.5, "no pairs of models were compared", ha="center", va="center", color=style.GREY)
        return figure
    panels = figure.subplots(len(measures), len(similarities), squeeze=False, sharex="col", sharey="row")
    for measure, row in zip(measures, panels, strict=True):
        for similarity, axes in zip(similarities, row, strict=True):
            part = table[(table["measure"] == measure) & (table["similarity"] == similarity)]
            _panel(axes, part, looks)
        name = "Mean of\nthe measures" if measure == MEAN else style.measure_label(measure)
        row[0].set_ylabel(name)
    size = 6.5 * min(1.0, 8 / len(similarities))  # statistics that are added make the columns narrower
    for similarity, axes in zip(similarities, panels[-1], strict=True):
        axes.set_xlabel(style.drawable(_drawn()[similarity], similarity), size=size)
    figure.align_labels()
    figure.supylabel("Score of the merge minus that of the experts", size=7.5)
    keys = style.setup_keys(looks)
    keys.append(style.key("no drop", linestyle="-", linewidth=0.6))
    figure.legend(handles=keys, loc="outside lower center", ncols=min(6, len(keys)), columnspacing=1.4)
    return figure


def _panel(axes: Axes, points: pd.DataFrame, looks: dict[str, style.Look]) -> None:
    axes.axhline(0.0, color=style.GREY, linewidth=0.6, zorder=1)
    for setup, part in points.groupby("setup", sort=False):
        look = looks[setup]
        axes.plot(part["x"], part["delta"], look.marker, color=look.colour, markersize=2.6, zorder=3, gid="pairs")
    coefficient = points["spearman"].iloc[0]
    if pd.notna(coefficient):
        text = f"ρ {coefficient:+.2f}".replace("-", "−")
        axes.set_title(text, size=6, color=style.GREY, pad=1.5)
    axes.xaxis.set_major_locator(style.MaxNLocator(2, min_n_ticks=2))
    axes.yaxis.set_major_locator(style.MaxNLocator(3))
    axes.tick_params(labelsize=6)
    axes.margins(0.12)  # room for whole marks in so small a panel


def _caption(selection: Selection, analysis: Analysis) -> str:
    return (
        f"Similarity of two models against what it costs to merge them by {selection.method}, "
        f"{over(selection)}. A mark is a "
        "pair of languages in a setup; upwards: the merge's score in the two languages minus that of the models of "
        "one language, each in its own; negative values are drops. The last row is the mean of the measures "
        f"that are shares or ratios, so it leaves out {_not_averaged()}. CKA: linear CKA of mean-pooled "
        "hidden states over English sentences, mean over layers; standardised: without the first token, features of "
        "unit variance. ρ: Spearman's coefficient over "
        f"all marks of a panel. {_few(selection)} Coefficients by setup are in the table of correlations, with "
        "intervals by resampling languages and p-values by permuting them, beside those that take pairs for "
        f"independent. Pairs without a score or comparison are left out.{_cases(analysis)}"
    )


def _not_averaged() -> str:
    """The measures that the mean leaves out, whether the study has them or not."""
    labels = [palette.MEASURE_LABELS[name] for name in sorted(OWN_UNITS)]
    return listed([label[0].lower() + label[1:] for label in labels])


def _cases(analysis: Analysis) -> str:
    """What counts in a measure that lacks one of the two languages, if it is not that both are needed."""
    if analysis.drop_cases == "complete":
        return ""
    return " In a measure that lacks one of its two languages, a pair counts with the other language alone."


def _few(selection: Selection) -> str:
    """How little the coefficients rest on."""
    languages = len(selection.languages)
    pairs = languages * (languages - 1) // 2
    return (
        f"{languages} languages make only {pairs} pairs a setup, and pairs that share a language are not independent: "
        "it describes these marks, and nothing beyond them is claimed."
    )


SIGNIFICANT = 0.05


def drop_finding(correlations: pd.DataFrame) -> str:
    """Which similarity predicts what merging costs, if any: `drops.correlations`, by Spearman's coefficient.

    For each measure of the scores, over all setups together: the strongest among the coefficients that are significant
    by relabelling languages, adjusted for the number of similarities tried, and whose interval by resampling languages
    leaves out zero. Then how many are significant within single setups, unadjusted, beside how many chance would give.
    """
    ranks = correlations[(correlations["coefficient"] == "spearman") & correlations["value"].notna()]
    pooled = ranks[ranks["setup"] == ALL] if (ranks["setup"] == ALL).any() else ranks
    within = ranks[ranks["setup"] != ALL]
    if pooled.empty:
        return "Too few pairs were scored and compared to say what predicts the drop."
    parts = []
    for measure in sorted(pooled["measure"].unique(), key=lambda name: (name == MEAN, summaries.measure_order(name))):
        tried = pooled[pooled["measure"] == measure]
        found = tried[(tried["p_holm"] < SIGNIFICANT) & _excludes_zero(tried)]
        name = "mean of the measures" if measure == MEAN else measure
        if found.empty:
            parts.append(f"{name}: none of {len(tried)}")
            continue
        best = found.loc[found["value"].abs().idxmax()]
        rho = difference(best["value"], best["low"], best["high"])
        parts.append(
            f"{name}: {best['similarity'].replace('_', ' ')} (ρ {rho}, {best['n']:.0f} pairs, p = {best['p_holm']:.2g})"
        )
    several = len(within["setup"].unique()) > 1
    together = "all setups together" if several else "all pairs"
    sentence = (
        f"Strongest predictor of the drop, {together}, among the ρ with p < {SIGNIFICANT:g} by relabelling the "
        "languages, adjusted for the number of predictors tried (Holm), whose 95 % interval over resampled languages "
        f"leaves out 0 (positive: the larger, the smaller the drop): {'; '.join(parts)}."
    )
    if not several:
        return sentence
    few = within["p_permuted"] < SIGNIFICANT
    return (
        f"{sentence} Differences between setups count in these; within single setups {few.sum()} of {len(within)} ρ "
        f"have p < {SIGNIFICANT:g} before adjustment (by chance: {SIGNIFICANT * len(within):.0f})."
    )


def _excludes_zero(rows: pd.DataFrame) -> pd.Series:
    return (rows["low"] > 0) | (rows["high"] < 0)


def _finding(drawn: Drawn) -> str:
    """From the table of correlations beside that of the pairs."""
    return drop_finding(pd.read_csv(drawn.table.with_name(f"{drawn.table.stem}_correlations.csv")))


FIGURE = Figure(
    models=_models,
    data=similarity_and_drop_data,
    draw=draw_similarity_and_drop,
    caption=_caption,
    finding=_finding,
    source="comparisons",
    over_seeds=False,
)
