"""Tables on disk: of scores, of comparisons, and of both together."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from growmerge.artifacts import sha256_file, verify
from growmerge.catalogue.entry import Normalisation
from growmerge.config.analysis import DropCases
from growmerge.frames import write_frame
from growmerge.ids import MEAN
from growmerge.study.grid import Model
from growmerge.study.groups import Group
from growmerge.study.replicates import ModelsBySeed
from growmerge.tables.cells import Parity
from growmerge.tables.drops import correlations, drops, similarity_and_drop
from growmerge.tables.score_files import summary_of_files
from growmerge.tables.summary import of_first_seed
from growmerge.tables.typology import typological_distances

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
    measured: Mapping[str, tuple[str, Normalisation]],
    translated: bool = False,
    replicates: ModelsBySeed | None = None,
    groups: Sequence[Group] = (),
) -> None:
    """Summarise the scores of `models` (`scores_folder`/{id}/items.parquet) into `parquet` and a .csv beside it.

    `references` holds the scores of the reference model; it is empty where information parity is not measured. A model
    without scores is a hole: rows with n = 0. Rows of languages that a model is not scored in are left out, and counted
    in the manifest (`rows_not_asked_for`). If models were to translate (`translated`), what they wrote is next to the
    items. The other arguments are those of `summarise`. Raises GrowmergeError for scores that differ from their
    manifest.
    """
    start = time.monotonic()
    how: dict[str, Any] = {"resamples": resamples, "seed": seed, "parity": parity, "measured": dict(measured)}
    table, (paths, there, _) = summary_of_files(
        models, scores_folder, references, **how, translated=translated, replicates=replicates, groups=groups
    )
    holes = len(paths) - len(there)
    of_models = table[table["kind"] != MEAN]
    cells = len(of_models.drop_duplicates(["measure", "language", "subset"]))
    not_asked_for = (len(models) + len(replicates or {})) * cells - len(of_models)
    facts = {"models": len(models), "models_without_scores": holes, "rows": len(table)}
    facts |= {"rows_not_asked_for": not_asked_for} if not_asked_for else {}
    write_frame(table, parquet, [*there, *references], how, facts, start)
    logger.info(
        "%d rows of %d models, %d of them without scores; %d rows left out, in languages that models are not scored in",
        *(len(table), len(models), holes, not_asked_for),
    )


def write_comparisons(comparisons: Sequence[Path], parquet: Path) -> None:
    """The comparisons of all setups in one table, `parquet` and a .csv beside it."""
    start = time.monotonic()
    write_frame(_read(comparisons), parquet, comparisons, None, {}, start)


def write_correlations(
    comparisons: Sequence[Path],
    scores: Path,
    distances: Sequence[Path],
    pairs: Path,
    *,
    setups: Sequence[str],
    languages: Sequence[str],
    method: str,
    codes: Mapping[str, str],
    resamples: int,
    seed: int,
    cases: DropCases = "complete",
) -> None:
    """What predicts the drop after merging: every pair in `pairs`, a .csv beside it, and {stem}_correlations.csv.

    `scores` is a table of `summary.summarise` with the models of single languages and their merges by `method`; of
    replicates, only the first seed counts, as in `comparisons`.
    `distances` is where typological distances come from, if anywhere, with `codes` (see
    `typology.typological_distances`). `cases` are those of `drops.drops`.
    """
    start = time.monotonic()
    packages = [source for source in distances if source.is_dir()]
    for artifact in [scores, *packages]:
        verify(artifact)
    deltas = drops(of_first_seed(pd.read_parquet(scores)), setups, languages, method, cases)
    typological = [typological_distances(source, sorted(languages), codes) for source in distances]
    table = similarity_and_drop(_read(comparisons), deltas, pd.concat(typological) if typological else None)
    beside = pairs.with_name(f"{pairs.stem}_correlations.csv")
    pairs.parent.mkdir(parents=True, exist_ok=True)
    correlations(table, resamples, seed).to_csv(beside, index=False)
    config = {"method": method, "resamples": resamples, "seed": seed, "codes": dict(codes)}
    config |= {} if cases == "complete" else {"drop_cases": cases}
    facts = {"tables": {str(source): sha256_file(source) for source in distances if source not in packages}}
    write_frame(table, pairs, [*comparisons, scores, *packages], config, facts, start, [beside.name])


def _read(comparisons: Sequence[Path]) -> pd.DataFrame:
    for comparison in comparisons:
        verify(comparison)
    return pd.concat([pd.read_parquet(comparison) for comparison in comparisons], ignore_index=True)
