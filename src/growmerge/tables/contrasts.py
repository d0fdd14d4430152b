"""Which models are compared with which, and the table of their differences on the same items."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from growmerge.catalogue.entry import BITS_PER_BYTE, LOWER_IS_BETTER, PARITY, Normalisation
from growmerge.frames import write_frame
from growmerge.ids import without_setup
from growmerge.study.grid import Model
from growmerge.study.replicates import ModelsBySeed
from growmerge.tables.item_values import is_there, item_values
from growmerge.tables.listed import Cell, Listings
from growmerge.tables.paired import PairedDifference, paired_difference, paired_outcomes, paired_over_seeds
from growmerge.tables.score_files import score_files
from growmerge.tables.statistics import holm

logger = logging.getLogger(__name__)
ONCE = -1  # in the place of a seed: of a model that is made once
_BySeed = dict[int, NDArray[np.float64]]
Values = dict[Cell, _BySeed]
Kind = Literal["method", "expert", "mixed", "setup", "compute"]
COLUMNS = (
    *("contrast", "first", "second", "measure", "benchmark", "language"),
    *("difference", "low", "high", "p", "p_holm", "better", "worse", "n"),
)


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
    earlier_setups = {setup: setups[:place] for place, setup in enumerate(setups)}
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
        for earlier in earlier_setups[setup]:
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
    replicates: ModelsBySeed | None = None,
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
        replicates: by id, the models (by seed) that are the same with other seeds, itself first.

    `difference` is the mean over items of first minus second, whatever subsets there are: of right answers, for parity
    of ratios; for bits per byte over documents, in proportion to their bytes. For its interval see `paired`. `p` is of
    the exact sign test (see `paired.PairedDifference`), `p_holm` adjusted for all rows of the same kind of contrast,
    measure and language. Where a log-probability is NaN, so are these.

    With `replicates`, models are compared seed by seed on the same items. `difference` is the mean over seeds and
    items, with the interval and p-value of `seeds.difference_over_seeds`; `better` and `worse` count items by their
    mean over seeds; the column `seeds` says for how many seeds both models have scores. A model that is made once is
    compared with every replicate of the other. Where there is only one seed, all is as without replicates.

    Raises GrowmergeError where two models were not scored on the same items.
    """
    items: dict[Cell, pd.Index] = {}
    listings = Listings(measured, reference)
    replicates = replicates or {}

    def read(name: str) -> Values:
        """The values of a model with each seed (`ONCE` for what is made once), by cell."""
        found: Values = {}
        for seed, model in replicates.get(name, {ONCE: name}).items():
            if is_there(scores, model):
                for cell, of_items in item_values(scores[model], model, listings, items):
                    found.setdefault(cell, {})[seed] = of_items
        return found

    rows: list[list[tuple[object, ...]]] = [[] for _ in wanted]
    for place, ours, theirs in models_in_turn(wanted, read):
        kind, first, second, languages = wanted[place]
        for benchmark, language in (cell for cell in ours if cell in theirs and cell[1] in languages):
            differences = _by_seed(ours[benchmark, language], theirs[benchmark, language])
            if differences:
                measure = measured[benchmark][0]
                found = _difference(differences, measure, resamples, seed)
                p = np.nan if np.isnan(found.difference.mean) else found.p
                about = (kind, first, second, measure, benchmark, language)
                counts = (found.better, found.worse, found.n, *([len(differences)] if replicates else []))
                rows[place].append((*about, *found.difference, p, np.nan, *counts))
    columns = [*COLUMNS, *(["seeds"] if replicates else [])]
    table = pd.DataFrame([row for of_contrast in rows for row in of_contrast], columns=columns)
    for _, family in table.groupby(["contrast", "measure", "language"], sort=False):
        table.loc[family.index, "p_holm"] = holm(family["p"])
    return table


def _by_seed(ours: _BySeed, theirs: _BySeed) -> list[NDArray[np.float64]]:
    """First minus second on every item, seed by seed: of the seeds that both have, or each with what is made once."""
    if ONCE in ours or ONCE in theirs:
        pairs = [(one, other) for one in ours.values() for other in theirs.values()]
    else:
        pairs = [(one, theirs[seed]) for seed, one in ours.items() if seed in theirs]
    return [one - other for one, other in pairs]


def _difference(
    differences: Sequence[NDArray[np.float64]], measure: str, resamples: int, seed: int
) -> PairedDifference:
    """Differences on the same items, an array a seed."""
    lower_is_better = measure in LOWER_IS_BETTER
    outcomes = measure not in (PARITY, BITS_PER_BYTE)
    if len(differences) > 1:
        return paired_over_seeds(np.array(differences), outcomes=outcomes, lower_is_better=lower_is_better)
    (only,) = differences
    return (
        paired_outcomes(only) if outcomes else paired_difference(only, resamples, seed, lower_is_better=lower_is_better)
    )


def models_in_turn(wanted: Sequence[Contrast], read: Callable[[str], Values]) -> Iterator[tuple[int, Values, Values]]:
    """The place of every contrast in `wanted` with the values of its models, those of the same target together.

    A model is read when it is first needed and forgotten after the last time: a study may have 100,000 merges.
    """
    still = Counter(name for contrast in wanted for name in (contrast.first, contrast.second))
    values: dict[str, Values] = {}
    for place in sorted(range(len(wanted)), key=lambda place: without_setup(wanted[place].first)):
        pair = (wanted[place].first, wanted[place].second)
        for name in pair:
            if name not in values:
                values[name] = read(name)
        yield place, values[pair[0]], values[pair[1]]
        still.subtract(pair)
        for name in {*pair}:
            if not still[name]:
                del values[name]


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
    replicates: ModelsBySeed | None = None,
    kinds: Sequence[str] | None = None,
) -> None:
    """Write what `compare` makes of the contrasts between `models` to `parquet` and a .csv beside it.

    `kinds` of contrasts are chosen; default: all. `replicates` are those of `models`, which are of one seed.
    Scores are `scores_folder`/{id}/items.parquet; `references` holds those of the reference model, or nothing. Raises
    GrowmergeError for scores that differ from their manifest.
    """
    start = time.monotonic()
    wanted = contrasts(models, baseline, english, same_cost)
    names = [*(model.id for model in models), *(name for each in (replicates or {}).values() for name in each.values())]
    wanted = [contrast for contrast in wanted if kinds is None or contrast.kind in kinds]
    paths, there, reference = score_files(scores_folder, names, references)
    table = compare(paths, wanted, reference, resamples, seed, measured, replicates)
    config = {"baseline": baseline, "resamples": resamples, "seed": seed, "measured": dict(measured)}
    facts = {"contrasts": len(wanted), "rows": len(table)}
    write_frame(table, parquet, [*there, *references], config, facts, start)
    logger.info("%d rows of %d contrasts between %d models", len(table), len(wanted), len(names))
