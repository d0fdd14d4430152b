"""How many items every benchmark came to, next to what the papers print."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from growmerge.artifacts import verify
from growmerge.catalogue.entry import Normalisation
from growmerge.frames import write_frame

logger = logging.getLogger(__name__)
COLUMNS = (
    *("benchmark", "language", "measure", "normalisation", "few_shot"),
    *("read", "converted", "published", "kept", "dropped", "dataset", "commit", "licence", "attribution"),
)


def write_benchmarks(
    benchmarks: Sequence[Path], parquet: Path, measured: Mapping[str, tuple[str, Normalisation]]
) -> None:
    """One row per built benchmark and language in `parquet`, and a .csv beside it: columns `COLUMNS`.

    `benchmarks` are their folders, .../{benchmark}/{language}; `measured` is by benchmark its measure and how
    log-probabilities are normalised. Of the records that were `read`, `converted` became items and `kept` are in the
    sample that is scored; `published` is the number that the papers print, `dropped` says why records became no items.
    What does not apply is empty. Raises GrowmergeError for a benchmark that differs from its manifest.
    """
    start = time.monotonic()
    rows = [_row(folder, verify(folder).facts, measured) for folder in benchmarks]
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    table = table.astype(dict.fromkeys(("few_shot", "read", "converted", "published", "kept"), "Int64"))
    facts = {"rows": len(table), "items": int(table["kept"].sum())}
    write_frame(table, parquet, benchmarks, {"measured": dict(measured)}, facts, start)
    logger.info("%(items)d items in %(rows)d cells", facts)


def _row(folder: Path, facts: Mapping[str, Any], measured: Mapping[str, tuple[str, Normalisation]]) -> dict[str, Any]:
    benchmark, language = folder.parent.name, folder.name
    measure, normalisation = measured[benchmark]
    source = facts.get("source", {})
    dropped = facts.get("dropped", {})
    return {
        "benchmark": benchmark,
        "language": language,
        "measure": measure,
        "normalisation": normalisation,
        "few_shot": facts.get("few_shot"),
        "read": facts.get("read"),
        "converted": facts.get("converted", facts.get("pairs")),
        "published": facts.get("published"),
        "kept": facts["kept"],
        "dropped": "; ".join(f"{reason}: {count}" for reason, count in dropped.items()),
        "dataset": source.get("dataset", ""),
        "commit": ", ".join(source.get("commits", [])) or source.get("revision") or "",
        "licence": facts.get("licence", ""),
        "attribution": facts.get("attribution", ""),
    }
