"""What a figure shows, in sentences of numbers: computed from the table that it is drawn from, none of them written."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

from growmerge import ids
from growmerge.figures.merges import merge_scores
from growmerge.figures.selection import Selection, measures
from growmerge.ids import ALL, MEAN
from growmerge.study.sweeps import density_sweeps
from growmerge.tables.statistics import Interval
from growmerge.tables.summary import measure_order

HALF = 0.5  # the published density of TIES and DARE
NEARLY_ORTHOGONAL = 0.1  # largest cosine, in size, of vectors that are called so
SIGNIFICANT = 0.05


def finding(figure: str, table: Path, selection: Selection) -> str:
    """What the figure shows, from the Parquet `table` that it is drawn from; empty for one that poses no question.

    For `similarity_and_drop` it is what `{stem}_correlations.csv` beside the table says.
    """
    if figure == "density":
        return density_finding(pd.read_parquet(table), selection)
    if figure == "language_vectors":
        return vectors_finding(pd.read_parquet(table), selection)
    if figure == "similarity_and_drop":
        return drop_finding(pd.read_csv(table.with_name(f"{table.stem}_correlations.csv")))
    return ""


# --- density --------------------------------------------------------------------------------------------------------


def density_finding(summary: pd.DataFrame, selection: Selection) -> str:
    """Whether keeping more than half of the task vectors rescues the methods of a sweep (`density_sweeps`).

    The highest density is held against the highest one up to a half, and against `selection.method` (linear), merge by
    merge, over the merges of the selected setups of which all scores are there. It rescues a method in a measure where
    the first difference is above zero and the second not below it, both by their intervals.
    """
    sweeps = density_sweeps(selection.settings)
    if not sweeps:
        return ""
    named = {name for names in sweeps.values() for name in names.values()} | {selection.method}
    merges = merge_scores(summary, selection.languages, named)
    merges = merges[merges["setup"].isin(selection.setups) & (merges["n_cells"] == merges["n_expected"])]
    merge = merges["id"].map(ids.without_method)
    scores = merges.assign(merge=merge).pivot_table(index=["measure", "merge"], columns="method", values="value")
    sentences = [
        _of_sweep(method, names, scores.reindex(columns=sorted(named)), selection.method, measures(summary))
        for method, names in sweeps.items()
    ]
    return " ".join(
        [
            *sentences,
            "Differences are means over merges with 95 % t intervals; merges share languages and are not independent.",
        ]
    )


def _of_sweep(method: str, names: dict[float, str], scores: pd.DataFrame, reference: str, order: list[str]) -> str:
    most = max(names)
    least = max((density for density in names if density <= HALF and density < most), default=min(names))
    parts, rescued, known = [], [], []
    for measure in order:
        rows = scores[scores.index.get_level_values("measure") == measure]
        gain = mean_difference(rows[names[most]] - rows[names[least]])
        gap = mean_difference(rows[names[most]] - rows[reference])
        if np.isnan(gain.low) or np.isnan(gap.low):
            continue
        known.append(measure)
        if gain.low > 0 and gap.high >= 0:
            rescued.append(measure)
        parts.append(f"{measure} {_interval(gain)}, which leaves {_interval(gap)} against {reference}")
    if not known:
        return f"{method}: too few scores to say what a density of {most:g} instead of {least:g} changes."
    merges = len(scores[[names[most], names[least], reference]].dropna().index.unique("merge"))
    changes = f"{method}, density {most:g} instead of {least:g}, {merges} merges: {'; '.join(parts)}."
    return f"{changes} So keeping more rescues {method} in {_of(rescued, known, 'measure')}."


def mean_difference(differences: pd.Series) -> Interval:
    """Mean of what is known of `differences`, with its 95 % t interval; without one for fewer than two."""
    known = differences.dropna().to_numpy(np.float64)
    if len(known) < 2:
        return Interval(float(known.mean()) if len(known) else np.nan, np.nan, np.nan)
    mean = float(known.mean())
    reach = float(stats.t.ppf(0.975, len(known) - 1) * known.std(ddof=1) / np.sqrt(len(known)))
    return Interval(mean, mean - reach, mean + reach)


# --- language vectors -----------------------------------------------------------------------------------------------


def vectors_finding(comparisons: pd.DataFrame, selection: Selection) -> str:
    """Whether language vectors are nearly orthogonal, as task vectors are, and how many of their signs conflict.

    From the values over all weights, of the pairs of the selected languages in each selected setup.
    """
    chosen = comparisons[
        comparisons["layer"].isna()
        & (comparisons["kind"] == ALL)
        & comparisons["first"].isin(selection.languages)
        & comparisons["second"].isin(selection.languages)
    ].dropna(subset="value")
    parts, orthogonal, known = [], [], []
    for setup in selection.setups:
        ours = chosen[chosen["setup"] == setup]
        cosines, conflicts = (
            ours.loc[ours["measure"] == name, "value"].to_numpy() for name in ("cosine", "sign_conflicts")
        )
        if not len(cosines):
            continue
        known.append(setup)
        if np.abs(cosines).max() <= NEARLY_ORTHOGONAL:
            orthogonal.append(setup)
        signs = f", sign conflicts {_range(100 * conflicts, '.0f')} %" if len(conflicts) else ""
        parts.append(f"{setup} {_range(cosines, '.2f')}{signs}")
    if not known:
        return "No models were compared."
    return (
        f"Cosines over all weights: {'; '.join(parts)} (independent vectors: 0 and 50 %). Task vectors are typically "
        f"close to orthogonal (Ilharco et al. 2023); language vectors are (every cosine within ±{NEARLY_ORTHOGONAL:g}) "
        f"in {_of(orthogonal, known, 'setup')}."
    )


def _range(values: np.ndarray, form: str) -> str:
    low, high = (_signed(format(value, form)) for value in (values.min(), values.max()))
    return low if low == high else f"{low} to {high}"


# --- similarity and drop --------------------------------------------------------------------------------------------


def drop_finding(correlations: pd.DataFrame) -> str:
    """Which similarity predicts what merging costs, if any: `drops.correlations`, by Spearman's coefficient.

    Of each measure of the scores, over all setups together, the strongest among the coefficients whose interval leaves
    out zero; then how many there are within single setups, beside how many chance would give.
    """
    ranks = correlations[(correlations["coefficient"] == "spearman") & correlations["value"].notna()]
    pooled = ranks[ranks["setup"] == ALL] if (ranks["setup"] == ALL).any() else ranks
    within = ranks[ranks["setup"] != ALL]
    if pooled.empty:
        return "Too few pairs were scored and compared to say what predicts the drop."
    parts = []
    for measure in sorted(pooled["measure"].unique(), key=lambda name: (name == MEAN, measure_order(name))):
        found = pooled[(pooled["measure"] == measure) & _excludes_zero(pooled)]
        name = "mean of the measures" if measure == MEAN else measure
        if found.empty:
            parts.append(f"{name}: none")
            continue
        best = found.loc[found["value"].abs().idxmax()]
        rho = _interval(Interval(best["value"], best["low"], best["high"]))
        parts.append(
            f"{name}: {best['similarity'].replace('_', ' ')} (ρ {rho}, {best['n']:.0f} pairs, "
            f"p = {best['p_permuted']:.2g} by relabelling the languages)"
        )
    several = len(within["setup"].unique()) > 1
    together = "all setups together" if several else "all pairs"
    sentence = (
        f"Strongest predictor of the drop, {together}, among the ρ whose 95 % interval leaves out 0 (positive: the "
        f"larger, the smaller the drop): {'; '.join(parts)}."
    )
    if not several:
        return sentence
    few = within["p_permuted"] < SIGNIFICANT
    return (
        f"{sentence} Differences between setups count in these; within single setups {few.sum()} of {len(within)} ρ "
        f"have p < {SIGNIFICANT:g} (by chance: {SIGNIFICANT * len(within):.0f})."
    )


def _excludes_zero(rows: pd.DataFrame) -> pd.Series:
    return (rows["low"] > 0) | (rows["high"] < 0)


# --- wording --------------------------------------------------------------------------------------------------------


def _of(chosen: Collection[str], known: Collection[str], what: str) -> str:
    """`no setup`, `every setup`, `1 of 3 setups (2x)`."""
    if not chosen:
        return f"no {what}"
    if len(chosen) == len(known):
        return f"every {what}" if len(known) > 1 else f"the one {what}"
    return f"{len(chosen)} of {len(known)} {what}s ({', '.join(chosen)})"


def _interval(interval: Interval) -> str:
    mean, low, high = (_signed(f"{value:+.3f}") for value in interval)
    return f"{mean} ({low} to {high})"


def _signed(number: str) -> str:
    """With a minus sign instead of a hyphen; zero has none."""
    plain = number.lstrip("+-")
    return plain if not float(plain) else number.replace("-", "−")
