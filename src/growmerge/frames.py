"""A data frame on disk: Parquet for programs, CSV for people, a manifest for both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from growmerge.artifacts import elapsed, replacing, write_manifest


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
    csv = parquet.with_suffix(".csv")
    with replacing(parquet) as temporary:
        table.to_parquet(temporary, index=False)
    with replacing(csv) as temporary:
        table.to_csv(temporary, index=False)
    write_manifest(
        parquet.with_suffix(".manifest.json"),
        [parquet.name, csv.name, *more],
        inputs=inputs,
        config=config,
        facts=facts,
        seconds=elapsed(start),
    )
