"""Some items of every benchmark, and what each model made of them: enough to see what a score is a score of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq

from growmerge.artifacts import verify
from growmerge.benchmarks.items import ITEMS, TRANSLATIONS, Item, read_items
from growmerge.catalogue.entry import Normalisation
from growmerge.config import Study
from growmerge.evaluation.outcomes import outcomes
from growmerge.hashing import in_hash_order
from growmerge.study.grid import Grid
from growmerge.study.layout import Layout

# Items, and translations, of each benchmark and language. More would make the page larger and show nothing new.
SHOWN = 10
TRANSLATED = 3
CHARACTERS = 240  # of a text; longer ones end in an ellipsis
TIE = 0.5

Sample = Mapping[str, Sequence[Item]]  # "benchmark/language" -> items


def cell(benchmark: str, language: str) -> str:
    """How the page names a benchmark in a language."""
    return f"{benchmark}/{language}"


def sample(grid: Grid, layout: Layout) -> Sample:
    """The items with the smallest hashes, which stay when others are added; of benchmarks that are built."""
    found: dict[str, Sequence[Item]] = {}
    for (benchmark, language), folder in zip(grid.score_cells, layout.benchmarks(grid.score_cells), strict=True):
        path = Path(folder)
        if path.exists():
            verify(path, only={ITEMS})
            generated = layout.benchmark(benchmark).decoding(grid.study.seed) is not None
            ordered = in_hash_order(read_items(path / ITEMS), lambda item: item.id, "report")
            found[cell(benchmark, language)] = ordered[: TRANSLATED if generated else SHOWN]
    return found


def texts(items: Sample) -> dict[str, list[dict[str, Any]]]:
    """The sample as the page shows it."""
    return {
        name: [
            {
                "id": item.id,
                "subset": item.subset,
                "texts": [shortened(text) for text in item.candidates],
                "reference": shortened(item.reference) if item.reference else None,
                "context": shortened(item.context) if item.context else None,
            }
            for item in those
        ]
        for name, those in items.items()
    }


def shortened(text: str) -> str:
    """At most `CHARACTERS` of a text."""
    return text if len(text) <= CHARACTERS else f"{text[: CHARACTERS - 1]}…"


def results(study: Study, score: Path, items: Sample) -> dict[str, list[Any]]:
    """What one model made of the sample, by cell and in the order of its items; None for an item without a result.

    `score` is the model's items.parquet. Benchmarks of right and wrong have 1, 0, or `TIE`; information parity and
    held-out text have the log-probability of the text in nats; translations have [text, chrF++].
    """
    wanted = {name: [item.id for item in those] for name, those in items.items()}
    chosen = sorted({item for those in wanted.values() for item in those})
    if not chosen:
        return {}
    found: dict[str, dict[str, Any]] = {}
    names = {ITEMS, TRANSLATIONS} if score.with_name(TRANSLATIONS).exists() else {ITEMS}
    verify(score.parent, only=names)
    metrics = {b.name: b.entry.metric.name for b in study.benchmarks}
    normalisations = {b.name: b.measured[1] for b in study.benchmarks}
    rows = pq.read_table(score, filters=[("item", "in", chosen)]).to_pandas()
    for (benchmark, language), those in rows.groupby(["benchmark", "language"], sort=False):
        if benchmark in metrics and cell(benchmark, language) in wanted:
            choices = metrics[benchmark] == "accuracy"
            values = _choices(those, normalisations[benchmark]) if choices else _nats(those)
            found[cell(benchmark, language)] = dict(values)
    if TRANSLATIONS in names:
        columns = ["benchmark", "language", "item", "hypothesis", "chrf"]
        written = pq.read_table(score.with_name(TRANSLATIONS), columns=columns, filters=[("item", "in", chosen)])
        for row in written.to_pylist():
            answer = [shortened(row["hypothesis"]), round(row["chrf"], 1)]
            found.setdefault(cell(row["benchmark"], row["language"]), {})[row["item"]] = answer
    return {name: [found[name].get(item) for item in those] for name, those in wanted.items() if name in found}


def _choices(rows: pd.DataFrame, normalisation: Normalisation) -> Iterator[tuple[str, float | None]]:
    for (_, _, item), outcome in outcomes(rows, normalisation).iterrows():
        right = None if pd.isna(outcome["right"]) else int(outcome["right"])
        yield item, TIE if outcome["tie"] else right


def _nats(rows: pd.DataFrame) -> Iterator[tuple[str, float | None]]:
    for row in rows[rows["candidate"] == 0].itertuples():
        yield str(row.item), None if pd.isna(row.logprob) else round(float(row.logprob), 1)
