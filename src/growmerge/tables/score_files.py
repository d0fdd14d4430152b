"""The score files that a table is made from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from growmerge.artifacts import verify
from growmerge.benchmarks.items import ITEMS, TRANSLATIONS
from growmerge.catalogue.entry import Normalisation
from growmerge.study.grid import Model
from growmerge.study.groups import Group
from growmerge.study.replicates import ModelsBySeed
from growmerge.tables.cells import Parity
from growmerge.tables.summary import SCORE_COLUMNS, summarise


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


def summary_of_files(
    models: Sequence[Model],
    folder: Path,
    references: Sequence[Path],
    *,
    resamples: int,
    seed: int,
    parity: Parity,
    measured: Mapping[str, tuple[str, Normalisation]],
    translated: bool,
    replicates: ModelsBySeed | None = None,
    groups: Sequence[Group] = (),
) -> tuple[pd.DataFrame, ScoreFiles]:
    """The summary of the scores of `models`, and the files that it was made from.

    If models were to translate (`translated`), what they wrote is next to the items. The other arguments are those of
    `score_files` and `summarise`.
    """
    files = score_files(folder, (model.id for model in models), references)
    written = {model: path.with_name(TRANSLATIONS) for model, path in files.paths.items() if translated}
    how = (resamples, seed, parity, measured, written, replicates, groups)
    summary = summarise(files.paths, models, files.reference, *how)
    return summary, files
