"""Means and variation over languages (Aycock et al. 2026, Table 1): over one stated set of languages for every row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from growmerge import ids
from growmerge.ids import PLUS
from growmerge.study.gap import EXPERTS
from growmerge.tables.by_language import CROSSED
from growmerge.tables.markdown import HOLE, decimals, interval, listed, markdown_table, number
from growmerge.tables.statistics import Interval, mean_and_cv, mean_of_independent
from growmerge.tables.summary import best

_SHARE = (
    "Share: of the gap between the setup's base (0) and its model of all languages (1), what the row wins back. The "
    "table `gap` has intervals, and says where there is no gap."
)
COLUMNS = (
    *("measure", "name", "role", "setup", "method", "languages", "n_languages"),
    *("mean", "low", "high", "cv", "chance", "reason"),
)


def mean_of_languages(cells: pd.DataFrame, *, over_seeds: bool = False) -> Interval:
    """Unweighted mean of the scores `value` in several languages, with a 95 % interval from their `low` and `high`.

    Of one seed, see `statistics.mean_of_independent`. It takes languages for independent; where the items are
    translations of one another, it is somewhat too narrow. Intervals `over_seeds` are not independent: one seed moves a
    model's scores in all languages. So their ends are averaged, which is wide enough however scores go together. NaN
    throughout if a score is missing or there is none.
    """
    if over_seeds and len(cells) and cells["value"].notna().all():
        return Interval(*(float(cells[name].mean(skipna=False)) for name in ("value", "low", "high")))
    columns = zip(cells["value"], cells["low"], cells["high"], strict=True)
    return mean_of_independent([Interval(*cell) for cell in columns])


def means(scores: pd.DataFrame, over: Mapping[str, Sequence[str]] | None = None) -> pd.DataFrame:
    """One line per measure and row of `scores` (as `by_language` gives them): columns `COLUMNS`.

    All rows of a measure are averaged over one set of languages, stated in `languages`: what `over` says for the
    measure, else the languages in which every row has a score that has any score at all. A row that lacks one of them
    gets no mean (NaN) but a `reason`: over other languages it would not compare. `cv` is the coefficient of variation
    over the languages in percent (see `statistics.mean_and_cv`); `low` and `high` as in `mean_of_languages`; `chance`
    the mean of the levels of guessing in the same languages.
    """
    lines: list[tuple[Any, ...]] = []
    for measure, part in scores.groupby("measure", sort=False):
        stated = list((over or {}).get(str(measure), _shared(part)))
        for (name, role, setup, method), row in part.groupby(["name", "role", "setup", "method"], sort=False):
            chosen = row.set_index("language").reindex(stated)
            absent = list(chosen.index[chosen["value"].isna()])
            mean = mean_of_languages(chosen, over_seeds=bool((chosen["how"] == CROSSED).any()))
            _, cv = mean_and_cv(chosen["value"].to_numpy(np.float64))
            reason = f"no score in {listed(absent)}" if absent else ""
            about = (measure, name, role, setup, method, PLUS.join(stated), len(stated))
            lines.append((*about, *mean, cv, chosen["chance"].mean(), reason if stated else "no language is shared"))
    return pd.DataFrame(lines, columns=list(COLUMNS))


def shares_of_gap(cells: pd.DataFrame, table: pd.DataFrame, gap: pd.DataFrame | None) -> pd.Series:
    """For each line of `means` of `cells`, its share of the gap between base and joint training; NaN without one.

    The shares are those of `growmerge.tables.gap`, in which the model of all languages is 1 and the base 0.
    """
    if gap is None:
        return pd.Series(np.nan, index=table.index)
    of_row = dict(zip(cells["name"], cells["id"], strict=True))
    of_row |= {
        row.name: ids.adapted(row.setup, EXPERTS) for row in cells[cells["role"] == "expert"].itertuples(index=False)
    }
    shares = dict(zip(zip(gap["measure"], gap["id"], strict=True), gap["share"], strict=True))
    found = [shares.get((line.measure, of_row[line.name]), np.nan) for line in table.itertuples(index=False)]
    return pd.Series(found, index=table.index, dtype=np.float64)


def _shared(part: pd.DataFrame) -> list[str]:
    """The languages in which every row of a measure has a score, but for rows without any."""
    scored = part[part.groupby("name")["value"].transform("count") > 0]
    known = scored.groupby("language", sort=False)["value"].agg(lambda values: values.notna().all())
    return [str(language) for language in known.index[known.astype(bool)]]


def means_markdown(table: pd.DataFrame, scores: pd.DataFrame) -> str:
    """`means` of `scores` for people: one table, the best mean of a measure in bold; below, over which languages.

    If the lines have their `share` of the gap to joint training (`shares_of_gap`), it stands next to the mean.
    """
    table = table if "share" in table else table.assign(share=np.nan)
    measures, names = list(dict.fromkeys(table["measure"])), list(dict.fromkeys(table["name"]))
    lines = {(line.measure, line.name): line for line in table.itertuples(index=False)}
    with_share = {m: bool(table.loc[table["measure"] == m, "share"].notna().any()) for m in measures}
    header = ["", *(text for m in measures for text in (f"{m}: mean", "CV%", *(["share"] if with_share[m] else [])))]
    rows = [
        [name, *(x for m in measures for x in _cells(lines[m, name], table[table["measure"] == m], with_share[m]))]
        for name in names
    ]
    chances = {m: table.loc[table["measure"] == m, "chance"].iloc[0] for m in measures}
    if any(pd.notna(chance) for chance in chances.values()):
        rows.append(
            [
                "chance",
                *(text for m in measures for text in (number(chances[m], 3), "", *([""] if with_share[m] else []))),
            ]
        )
    notes = [
        "Means over languages with 95 % intervals, and the coefficient of variation (standard deviation over mean, in "
        "percent): low where a model serves all languages alike. Bold: the best mean (of bits per byte the lowest). "
        "Experts: each in its own language. "
        + (
            "Intervals are over seeds and items; that of a mean is the mean of those of its languages, an upper bound."
            if (scores["how"] == CROSSED).any()
            else "The intervals rest on the items and take languages for independent."
        ),
        *([_SHARE] if any(with_share.values()) else []),
        *(_over(m, table[table["measure"] == m], scores[scores["measure"] == m]) for m in measures),
    ]
    holes = table[table["reason"] != ""]
    reasons = [f"{HOLE} {name}: {_by_measure(part)}" for name, part in holes.groupby("name", sort=False)]
    return "\n\n".join([markdown_table(header, rows), *notes, *(["\n".join(reasons)] if reasons else [])]) + "\n"


def _cells(line: Any, of_measure: pd.DataFrame, with_share: bool) -> tuple[str, ...]:
    """Mean with its interval, CV%, and the share of the gap."""
    digits = decimals(line.measure, of_measure["mean"])
    mean = number(line.mean, digits, best(line.measure, of_measure["mean"])) + interval(
        line.mean, line.low, line.high, digits
    )
    return (mean, number(line.cv, 1), *([number(line.share, 2)] if with_share else []))


def _over(measure: str, table: pd.DataFrame, scores: pd.DataFrame) -> str:
    """Over which languages a measure's rows are averaged, and which row keeps another language out."""
    stated = [language for language in table["languages"].iloc[0].split(PLUS) if language]
    text = f"{measure}: over {listed(stated) or 'no language'}."
    kept_out = [language for language in dict.fromkeys(scores["language"]) if language not in stated]
    for language in kept_out:
        cells = scores[scores["language"] == language]
        lacking = list(cells.loc[cells["value"].isna() & cells["name"].isin(_scored(scores)), "name"])
        nobody = cells["value"].isna().all()
        why = (
            "no model has a score in it" if nobody else f"no score of {listed(lacking)}" if lacking else "not asked for"
        )
        text += f" Without {language}: {why}."
    return text


def _scored(scores: pd.DataFrame) -> set[str]:
    """The rows that have a score at all."""
    return set(scores.loc[scores["value"].notna(), "name"])


def _by_measure(holes: pd.DataFrame) -> str:
    return "; ".join(f"{hole.measure}: {hole.reason}" for hole in holes.itertuples(index=False))
