"""A data frame on disk: Parquet for programs, CSV for people, a manifest for both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from growmerge.artifacts import elapsed, write_manifest


def write_frame(
    table: pd.DataFrame,
    parquet: Path,
    inputs: Sequence[Path],
    config: Any,
    facts: Mapping[str, Any],
    start: float,
    more: Sequence[str] = (),
) -> None:
    """Write `table` to `parquet` and a .csv beside it, and their manifest, which also holds the files named `more`."""
    parquet.parent.mkdir(parents=True, exist_ok=True)
    csv = parquet.with_suffix(".csv")
    table.to_parquet(parquet, index=False)
    table.to_csv(csv, index=False)
    write_manifest(
        parquet.with_suffix(".manifest.json"),
        [parquet.name, csv.name, *more],
        inputs=inputs,
        config=config,
        facts=facts,
        seconds=elapsed(start),
    )
