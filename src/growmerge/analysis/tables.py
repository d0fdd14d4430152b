"""Tables of scores on disk: Parquet for programs, CSV for people, a manifest for both."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from growmerge.analysis.summary import SCORE_COLUMNS, Parity, summarise
from growmerge.artifacts import elapsed, verify, write_manifest
from growmerge.grid import Model

logger = logging.getLogger(__name__)


def write_table(
    models: Sequence[Model],
    scores_folder: Path,
    references: Sequence[Path],
    parquet: Path,
    *,
    resamples: int,
    seed: int,
    parity: Parity,
) -> None:
    """Summarise the scores of `models` (`scores_folder`/{id}/items.parquet) into `parquet` and a .csv beside it.

    `references` holds the scores of the reference model; it is empty where information parity is not measured. A model
    without scores is a hole: rows with n = 0. `resamples`, `seed` and `parity` are those of `summarise`. Raises
    GrowmergeError for scores that differ from their manifest.
    """
    start = time.monotonic()
    paths = {model.id: scores_folder / model.id / "items.parquet" for model in models}
    there = [path for path in paths.values() if path.exists()]
    for path in [*there, *references]:
        verify(path)
    reference = pd.concat([pd.read_parquet(path) for path in references] or [pd.DataFrame(columns=SCORE_COLUMNS)])
    table = summarise(paths, models, reference, resamples, seed, parity)
    parquet.parent.mkdir(parents=True, exist_ok=True)
    table.to_parquet(parquet, index=False)
    table.to_csv(parquet.with_suffix(".csv"), index=False)
    holes = len(paths) - len(there)
    write_manifest(
        parquet.with_suffix(".manifest.json"),
        [parquet.name, parquet.with_suffix(".csv").name],
        inputs=[*there, *references],
        config={"resamples": resamples, "seed": seed, "parity": parity},
        facts={"models": len(models), "models_without_scores": holes, "rows": len(table)},
        seconds=elapsed(start),
    )
    logger.info("%d rows of %d models, %d of them without scores", len(table), len(models), holes)
