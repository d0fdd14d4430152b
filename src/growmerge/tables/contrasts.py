"""Which models are held against which, and the table of their differences on the same items."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from growmerge.artifacts import verify
from growmerge.benchmarks.items import ITEMS
from growmerge.catalogue.entry import PARITY, Normalisation
from growmerge.errors import GrowmergeError
from growmerge.evaluation.outcomes import normalised_by_benchmark, outcomes
from growmerge.frames import write_frame
from growmerge.ids import parity_reference
from growmerge.study.grid import Model
from growmerge.tables.paired import paired_difference, paired_outcomes
from growmerge.tables.statistics import holm
from growmerge.tables.summary import SCORE_COLUMNS

logger = logging.getLogger(__name__)
Kind = Literal["method", "expert", "mixed", "setup", "compute"]
COLUMNS = (
    *("contrast", "first", "second", "measure", "benchmark", "language"),
    *("difference", "low", "high", "p", "p_holm", "better", "worse", "n"),
)
_READ = (*SCORE_COLUMNS, "tokens", "characters")
_Cell = tuple[str, str]  # benchmark, language


class Contrast(NamedTuple):
    """A first model against a second, by id, in these languages.

    kind: a merge against the same one by the baseline method (`method`), against a member in its own language
    (`expert`), against the model of all its languages (`mixed`); a model or merge against the same of an earlier setup
    (`setup`); models that cost the same (`compute`).
    """

    kind: Kind
    first: str
    second: str
    languages: tuple[str, ...]


def contrasts(
    models: Sequence[Model], baseline: str, english: str, same_cost: Sequence[tuple[str, str]] = ()
) -> list[Contrast]:
    """The contrasts between `models`, in the order of `models`; a setup is ordered by its first model.

    `baseline` is a merge method; languages are those that a model has learned, and English; `same_cost` are pairs of
    ids.
    """
    by_id = {model.id: model for model in models}
    there = {(m.setup, m.target, m.method, m.step): m for m in models if m.kind in ("model", "merge") and m.setup}
    mixed = {(m.setup, frozenset(m.languages)): m for m in models if m.kind == "model" and len(m.languages) > 1}
    setups = list(dict.fromkeys(setup for setup, *_ in there))
    found = []
    for (setup, target, method, step), model in there.items():
        learned = tuple(dict.fromkeys([*model.languages, english]))
        if model.kind == "merge":
            plain = there.get((setup, target, baseline, step))
            if plain and plain is not model:
                found.append(Contrast("method", model.id, plain.id, learned))
            if step is None:
                experts = [(there.get((setup, code, "", None)), (code,)) for code in model.languages]
                found += [Contrast("expert", model.id, expert.id, own) for expert, own in experts if expert]
                if whole := mixed.get((setup, frozenset(model.languages))):
                    found.append(Contrast("mixed", model.id, whole.id, learned))
        for earlier in setups[: setups.index(setup)]:
            if other := there.get((earlier, target, method, step)):
                found.append(Contrast("setup", model.id, other.id, learned))
    for first, second in same_cost:
        if first in by_id and second in by_id:
            found.append(Contrast("compute", first, second, (*by_id[first].languages, english)))
    return found


def compare(
    scores: Mapping[str, pd.DataFrame | Path],
    wanted: Sequence[Contrast],
    reference: pd.DataFrame,
    resamples: int,
    seed: int,
    measured: Mapping[str, tuple[str, Normalisation]],
) -> pd.DataFrame:
    """One row per contrast, benchmark and language that both models have scores of: columns `COLUMNS`.

    Args:
        scores: by model id, the rows of `items.parquet` or its path; contrasts of models without an entry, or without
            that file, are left out.
        wanted: what to compare, see `contrasts`.
        reference: scores of the English sides, for information parity; see `summary.summarise`.
        resamples: bootstrap resamples of the items, for the intervals of information parity.
        seed: of the resampling.
        measured: by benchmark, the measure and how log-probabilities are normalised; others are left out.

    `difference` is the mean over items of first minus second, whatever subsets there are: of right answers, for parity
    of ratios; for its interval see `paired`. `p` is of the exact sign test (see `paired.PairedDifference`), `p_holm`
    adjusted for all rows of the same kind of contrast, measure and language. Where a log-probability is NaN, so are
    these.

    Raises GrowmergeError where two models were not scored on the same items.
    """
    items: dict[_Cell, pd.Index] = {}
    ids = dict.fromkeys(name for contrast in wanted for name in (contrast.first, contrast.second))
    english = _english_sides(reference, [name for name, (measure, _) in measured.items() if measure == PARITY])
    values = {
        name: dict(_values(scores[name], name, english, measured, items)) for name in ids if _is_there(scores, name)
    }
    rows = []
    for kind, first, second, languages in wanted:
        ours, theirs = values.get(first, {}), values.get(second, {})
        for benchmark, language in (cell for cell in ours if cell in theirs and cell[1] in languages):
            differences = ours[benchmark, language] - theirs[benchmark, language]
            by_ratio = measured[benchmark][0] == PARITY
            found = paired_difference(differences, resamples, seed) if by_ratio else paired_outcomes(differences)
            known = not np.isnan(found.difference.mean)
            about = (kind, first, second, measured[benchmark][0], benchmark, language)
            p = found.p if known else np.nan
            rows.append((*about, *found.difference, p, np.nan, found.better, found.worse, found.n))
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    for _, family in table.groupby(["contrast", "measure", "language"], sort=False):
        table.loc[family.index, "p_holm"] = holm(family["p"])
    return table


def write_contrasts(
    models: Sequence[Model],
    scores_folder: Path,
    references: Sequence[Path],
    parquet: Path,
    *,
    baseline: str,
    english: str,
    same_cost: Sequence[tuple[str, str]],
    resamples: int,
    seed: int,
    measured: Mapping[str, tuple[str, Normalisation]],
) -> None:
    """Write what `compare` makes of the contrasts between `models` to `parquet` and a .csv beside it.

    Scores are `scores_folder`/{id}/items.parquet; `references` holds those of the reference model, or nothing. Raises
    GrowmergeError for scores that differ from their manifest.
    """
    start = time.monotonic()
    wanted = contrasts(models, baseline, english, same_cost)
    paths = {model.id: scores_folder / model.id / ITEMS for model in models}
    there = [path for path in paths.values() if path.exists()]
    for path in [*there, *references]:
        verify(path)
    reference = pd.concat([pd.read_parquet(path) for path in references] or [pd.DataFrame(columns=list(SCORE_COLUMNS))])
    table = compare(paths, wanted, reference, resamples, seed, measured)
    config = {"baseline": baseline, "resamples": resamples, "seed": seed, "measured": dict(measured)}
    facts = {"contrasts": len(wanted), "rows": len(table)}
    write_frame(table, parquet, [*there, *references], config, facts, start)
    logger.info("%d rows of %d contrasts between %d models", len(table), len(wanted), len(models))


def _is_there(scores: Mapping[str, pd.DataFrame | Path], name: str) -> bool:
    source = scores.get(name)
    return source is not None and (isinstance(source, pd.DataFrame) or source.exists())


def _english_sides(reference: pd.DataFrame, benchmarks: Sequence[str]) -> pd.Series:
    """The log-probabilities of the English sides, by (benchmark of parallel sentences, language, item)."""
    benchmark = reference["benchmark"].map({parity_reference(name): name for name in benchmarks})
    found = reference.assign(benchmark=benchmark).dropna(subset="benchmark")
    return found.set_index(["benchmark", "language", "item"])["logprob"]


def _values(
    source: pd.DataFrame | Path,
    name: str,
    english: pd.Series,
    measured: Mapping[str, tuple[str, Normalisation]],
    items: dict[_Cell, pd.Index],
) -> Iterator[tuple[_Cell, NDArray[np.float64]]]:
    """The value of every item in each cell, in the order of `items`: what the first model has, sorted.

    Right answers as int8, so that their differences are small whole numbers at an eighth of the memory.
    """
    frame = source if isinstance(source, pd.DataFrame) else pd.read_parquet(source, columns=list(_READ))
    is_parity = frame["benchmark"].map({b: measure == PARITY for b, (measure, _) in measured.items()})
    compared = frame[is_parity.eq(False)]  # benchmarks that are not measured are neither
    compared = compared.assign(logprob=normalised_by_benchmark(compared, {b: by for b, (_, by) in measured.items()}))
    right = outcomes(compared)["right"]  # of all cells at once: pandas takes as long for few rows as for many
    targets = frame[is_parity.eq(True)].set_index(["benchmark", "language", "item"])["logprob"]
    ratios = english.reindex(targets.index).to_numpy() / targets
    for (benchmark, language), found in pd.concat([right, ratios]).sort_index().groupby(level=[0, 1], sort=False):
        found = found.droplevel([0, 1])
        if not found.index.equals(items.setdefault((benchmark, language), found.index)):
            raise GrowmergeError(
                f"{name}: was scored on other items of {benchmark} in {language} than the models before it; score again"
            )
        small = measured[benchmark][0] != PARITY and not found.isna().any()
        yield (benchmark, language), found.to_numpy(np.int8 if small else np.float64)
