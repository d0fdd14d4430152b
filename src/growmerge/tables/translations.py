"""What models wrote: source and reference beside the translations of chosen models (Aycock et al. 2026, Table 7)."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from growmerge.artifacts import verify
from growmerge.errors import GrowmergeError
from growmerge.frames import write_frame
from growmerge.hashing import unit_hash
from growmerge.study.grid import Model

SOURCE, REFERENCE = "source", "reference"
COLUMNS = ("benchmark", "language", "item", "who", "text", "chrf")
NEEDED = ("benchmark", "language", "item", "source", "reference", "hypothesis", "chrf")
NOT_SCORED, NOTHING = "–", "*(nothing)*"  # a model that was not scored, and one that wrote nothing


def side_by_side(
    frames: Mapping[str, pd.DataFrame | Path],
    models: Sequence[str],
    *,
    items: int = 3,
    languages: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Translations of the same items by several models, one text a line.

    Args:
        frames: by model id, the rows of `translations.parquet` or its path; a model without an entry, or whose path
            does not exist, has holes.
        models: ids, in the order in which they are shown.
        items: how many of each benchmark and language, those with the smallest hashes of their ids.
        languages: those to show, in this order; all by default.

    Returns:
        Columns `COLUMNS`. `who` is "source", "reference" or a model's id, `text` what it says (NaN for a hole) and
        `chrf` the chrF++ of that sentence (NaN for source, reference and holes).

    Raises:
        GrowmergeError: a missing column, or an item of which two models had another source or reference.
    """
    tables = {model: _read(frames[model], model) for model in models if model in frames}
    known = {model: table for model, table in tables.items() if table is not None}
    rows = list(_rows(known, models, items, languages))
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype({"chrf": np.float64})


def markdown(table: pd.DataFrame) -> str:
    """The text of `translations.md`: a table for every item of `side_by_side`, under a heading for every language."""
    parts = []
    for (benchmark, language), of_language in table.groupby(["benchmark", "language"], sort=False):
        parts.append(f"## {benchmark}, {language}\n")
        for item, rows in of_language.groupby("item", sort=False):
            lines = [f"| {item} | | chrF++ |", "|---|---|--:|"]
            lines += [f"| {row.who} | {_cell(row.text)} | {_number(row.chrf)} |" for row in rows.itertuples()]
            parts.append("\n".join(lines) + "\n")
    return "\n".join(parts) or "No model has translated anything.\n"


def write_translations(models: Sequence[Model], scores_folder: Path, languages: Sequence[str], parquet: Path) -> None:
    """Set translations by `models` (`scores_folder`/{id}/translations.parquet) into each of `languages` side by side.

    Of models that have learned languages only those that know the one at hand. Writes `parquet`, a .csv and a .md
    beside it. Raises GrowmergeError for scores that differ from their manifest.
    """
    start = time.monotonic()
    paths = {model.id: scores_folder / model.id / "translations.parquet" for model in models}
    there = [path for path in paths.values() if path.exists()]
    for path in there:
        verify(path)
    parts = []
    for language in languages:
        fluent = [model.id for model in models if not model.languages or language in model.languages]
        parts.append(side_by_side({model: paths[model] for model in fluent}, fluent, languages=[language]))
    table = pd.concat(parts, ignore_index=True)
    page = parquet.with_suffix(".md")
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(f"# Translations\n\n{markdown(table)}", encoding="utf-8")
    facts = {"models": len(models), "models_without_translations": len(models) - len(there)}
    write_frame(table, parquet, there, {"languages": list(languages)}, facts, start, [page.name])


def _read(source: pd.DataFrame | Path, model: str) -> pd.DataFrame | None:
    where = str(source) if isinstance(source, Path) else f"the translations of {model}"
    if isinstance(source, Path):
        if not source.exists():
            return None
        source = pd.read_parquet(source)
    if missing := [column for column in NEEDED if column not in source.columns]:
        raise GrowmergeError(f"{where}: no column {missing[0]!r}; there are {', '.join(map(str, source.columns))}")
    return source.set_index(["benchmark", "language", "item"])[["source", "reference", "hypothesis", "chrf"]]


def _rows(
    tables: Mapping[str, pd.DataFrame], models: Sequence[str], count: int, languages: Sequence[str] | None
) -> Iterator[tuple[Any, ...]]:
    if not tables:
        return
    asked = pd.concat([table[["source", "reference"]] for table in tables.values()]).reset_index().drop_duplicates()
    if doubled := int(asked.duplicated(["benchmark", "language", "item"]).sum()):
        raise GrowmergeError(
            f"{doubled} items do not have the same source and reference for {' and '.join(tables)}; score these models "
            "again on the same benchmark"
        )
    order = list(dict.fromkeys(asked["language"])) if languages is None else list(languages)
    asked["place"] = asked["language"].map({language: place for place, language in enumerate(order)})
    asked["hash"] = [unit_hash(item, "side by side") for item in asked["item"]]
    asked = asked.dropna(subset="place").sort_values(["benchmark", "place", "hash"], kind="stable")
    for one in asked.groupby(["benchmark", "language"], sort=False).head(count).itertuples():
        key = (one.benchmark, one.language, one.item)
        yield (*key, SOURCE, one.source, np.nan)
        yield (*key, REFERENCE, one.reference, np.nan)
        for model in models:
            found = tables[model].loc[key] if model in tables and key in tables[model].index else None
            yield (*key, model, *((np.nan, np.nan) if found is None else (found["hypothesis"], found["chrf"])))


def _cell(text: Any) -> str:
    """A text as it can stand in a cell of a table."""
    return NOT_SCORED if pd.isna(text) else " ".join(str(text).replace("|", r"\|").split()) or NOTHING


def _number(value: float) -> str:
    return "" if np.isnan(value) else f"{value:.1f}"
