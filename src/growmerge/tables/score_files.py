"""The score files that a table is made from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from growmerge.artifacts import verify
from growmerge.benchmarks.items import ITEMS
from growmerge.tables.summary import SCORE_COLUMNS


class ScoreFiles(NamedTuple):
    """The scores of models.

    Attributes:
        paths: where the items of each model (by id) are, or would be.
        there: those of these paths that exist.
        reference: the items of the reference model; without rows if there is none.
    """

    paths: dict[str, Path]
    there: list[Path]
    reference: pd.DataFrame


def score_files(folder: Path, models: Iterable[str], references: Sequence[Path]) -> ScoreFiles:
    """The scores of `models` (ids) in `folder`/{id}/items.parquet, and those of the reference model in `references`.

    Raises GrowmergeError for scores that differ from their manifest.
    """
    paths = {model: folder / model / ITEMS for model in models}
    there = [path for path in paths.values() if path.exists()]
    for path in [*there, *references]:
        verify(path)
    reference = pd.concat([pd.read_parquet(path) for path in references] or [pd.DataFrame(columns=list(SCORE_COLUMNS))])
    return ScoreFiles(paths, there, reference)
