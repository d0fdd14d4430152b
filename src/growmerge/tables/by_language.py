"""Scores in every language of the models that are compared over all of them (Aycock et al. 2026, Tables 2 to 6)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from growmerge import ids
from growmerge.ids import ALL, BASE, COMMON, MULTI
from growmerge.tables.markdown import HOLE, TOO_FEW, decimals, interval, listed, markdown_table, number
from growmerge.tables.statistics import FEWEST_ITEMS
from growmerge.tables.summary import best, measure_order

COLUMNS = (
    *("measure", "name", "role", "setup", "method", "id", "language"),
    *("value", "low", "high", "how", "n", "chance", "reason"),
)
# Kinds of intervals: see `statistics` for the first, the second is of a bootstrap over items, the third is of `seeds`.
WILSON, PERCENTILE, CROSSED = "wilson", "percentile", "seeds and items"


class Row(NamedTuple):
    """A row of the tables: one model, or the experts of a setup, each in its own language (then `id` is empty)."""

    name: str
    role: str
    setup: str = ""
    method: str = ""
    id: str = ""

    def model(self, language: str) -> str:
        """The id of the model whose score in `language` stands in this row."""
        return self.id or ids.adapted(self.setup, language)


def finished(summary: pd.DataFrame) -> pd.DataFrame:
    """The overall rows of finished models and their merges: no intermediate checkpoint, no subset of a measure."""
    return summary[(summary["subset"] == ALL) & summary["step"].isna()]


def by_language(
    summary: pd.DataFrame, languages: Sequence[str], setups: Sequence[str], methods: Sequence[str]
) -> pd.DataFrame:
    """One line per measure, row of the tables and language: columns `COLUMNS`.

    The rows, each as far as the summary lists such a model: models of others ("external"), bases ("base"), and for each
    of `setups` its experts, each in its own language ("expert"), its model of all languages ("mixed"; "common" where
    experts branch off it), the merge of all `languages` by each of `methods` ("merge"), and such a merge, or the base
    for comparison, trained on ("healed"). `low` and `high` are the ends of the 95 % interval, `how` says of which kind:
    "wilson", "percentile", "seeds and items" (of a mean over replicates), or "n too small" for none. Where there is no
    score, the value is NaN, `how` is empty, and `reason` says why; else it is empty.
    """
    whole = finished(summary)
    cells = {(cell.id, cell.measure, cell.language): cell for cell in whole.itertuples()}
    partly = set(summary.loc[summary["n"] > 0, ["id", "measure", "language"]].itertuples(index=False, name=None))
    chances = whole.groupby(["measure", "language"])["chance"].mean().to_dict()
    lines: list[tuple[Any, ...]] = []
    for measure in sorted(whole["measure"].unique(), key=measure_order):
        for row in _rows(whole, languages, setups, methods):
            for language in languages:
                key = (row.model(language), measure, language)
                cell = cells.get(key)
                values = (np.nan, np.nan, np.nan, "", 0)
                reason = _reason(cell, measured=(measure, language) in chances, partly=key in partly)
                if cell is not None:
                    values = (cell.value, cell.low, cell.high, _how(cell), cell.n)
                about = (measure, row.name, row.role, row.setup, row.method, key[0], language)
                lines.append((*about, *values, chances.get((measure, language), np.nan), reason))
    return pd.DataFrame(lines, columns=list(COLUMNS))


def _rows(
    whole: pd.DataFrame, languages: Sequence[str], setups: Sequence[str], methods: Sequence[str]
) -> Iterator[Row]:
    """The rows in the order of the tables: what is compared with first, merges last."""
    known = dict.fromkeys(whole["id"])
    kinds = dict(zip(whole["id"], whole["kind"], strict=True))
    yield from (Row(ids.short_name(i), "external", id=i) for i in known if kinds[i] == "external")
    yield from (Row(i, "base", id=i) for i in known if kinds[i] == "base")
    for setup in setups:
        if any(ids.adapted(setup, language) in known for language in languages):
            yield Row(f"{setup}, experts", "expert", setup)
        for target, role in ((MULTI, "mixed"), (COMMON, "common")):
            if (model := ids.adapted(setup, target)) in known:
                yield Row(f"{setup}, {role}", role, setup, id=model)
        for method in methods:
            merge = ids.merge(setup, languages, method)
            if merge in known:
                yield Row(f"{setup}, merged by {method}", "merge", setup, method, merge)
        of_setup = whole[(whole["kind"] == "healed") & (whole["setup"] == setup)].drop_duplicates("id")
        for healed in of_setup.itertuples():
            before = "base" if healed.method == BASE else f"merged by {healed.method}"
            name = f"{setup}, {before}, trained on for {100 * (ids.split_share(healed.id)[1] or 0):g} %"
            yield Row(name, "healed", setup, healed.method, healed.id)


def _how(cell: Any) -> str:
    """The kind of the interval: shares of right answers are what has a level of chance."""
    if pd.isna(cell.value):
        return ""
    if pd.isna(cell.low):
        return TOO_FEW
    if getattr(cell, "seeds", 1) > 1:
        return CROSSED
    return PERCENTILE if pd.isna(cell.chance) else WILSON


def _reason(cell: Any, *, measured: bool, partly: bool) -> str:
    """Why there is no score; empty if there is one."""
    if not measured:
        return "no model has a score in this language"
    if cell is None:
        return "no such model"
    if pd.notna(cell.value):
        return ""
    if cell.n:
        return "log-probabilities that are not numbers"
    return "lacks a part of the measure that other models have" if partly else "not scored"


def by_language_markdown(table: pd.DataFrame) -> str:
    """`by_language` for people: a table a measure, the best score of a language in bold, reasons of holes below."""
    over_items = (
        "95 % intervals over items, Wilson's of shares of right answers, else percentiles of bootstrap resamples (not "
        "1.96 standard errors, as in Aycock et al. 2026)"
    )
    intervals = (
        "means over the seeds of the study, with 95 % intervals over seeds and items together (Cochran 1964); of "
        f"what is made once, {over_items}"
        if (table["how"] == CROSSED).any()
        else f"{over_items}; they do not show the variation between training runs"
    )
    parts = [
        f"In brackets: {intervals}. {TOO_FEW}: fewer than {FEWEST_ITEMS} items, so no interval. Bold: the best score "
        "in a language (of bits per byte the lowest). Experts: each in its own language."
    ]
    for measure, part in table.groupby("measure", sort=False):
        parts += [f"## {measure}", _table(str(measure), part), *_reasons(part)]
    return "\n\n".join(parts) + "\n"


def _table(measure: str, part: pd.DataFrame) -> str:
    """One measure: rows are models, columns languages."""
    languages, names = list(dict.fromkeys(part["language"])), list(dict.fromkeys(part["name"]))
    digits = decimals(measure, part["value"])
    bests = {language: best(measure, cells["value"]) for language, cells in part.groupby("language")}
    cells = {(line.name, line.language): line for line in part.itertuples(index=False)}
    rows = [[name, *(_cell(cells[name, x], bests[x], digits) for x in languages)] for name in names]
    chances = part.groupby("language")["chance"].first()
    if chances.notna().any():
        rows.append(["chance", *(number(chances[x], digits) for x in languages)])
    return markdown_table(["", *languages], rows)


def _cell(line: Any, best: float, digits: int) -> str:
    return number(line.value, digits, best) + interval(line.value, line.low, line.high, digits)


def _reasons(part: pd.DataFrame) -> list[str]:
    """Why cells of a measure are empty; a language that nobody has is named once."""
    holes = part[part["reason"] != ""]
    lines = []
    for reason, cells in holes.groupby("reason", sort=False):
        languages = cells.groupby("name", sort=False)["language"].agg(list)
        whole = len(set(languages.map(tuple))) == 1 and len(languages) == part["name"].nunique()
        named = (
            f"all models ({listed(languages.iloc[0])})"
            if whole
            else "; ".join(f"{name} ({listed(codes)})" for name, codes in languages.items())
        )
        lines.append(f"{HOLE} {reason}: {named}")
    return ["\n".join(lines)] if lines else []
