"""From the scores of items to one tidy table: model x measure x language x subset."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from growmerge import ids
from growmerge.catalogue.entry import LOWER_IS_BETTER, Normalisation
from growmerge.errors import GrowmergeError
from growmerge.ids import ALL, MACRO, MEAN
from growmerge.study.grid import Model
from growmerge.study.groups import Group
from growmerge.study.replicates import ModelsBySeed, seeds_of
from growmerge.tables.cells import Cell, Key, Parity, of_scores, of_translations
from growmerge.tables.group_means import GroupMeans
from growmerge.tables.listed import KEYS, Listings, check_doubled, name_of
from growmerge.tables.seeds import mean_over_seeds
from growmerge.tables.statistics import Interval, of_enough

MEASURES = ("acceptability", "parity", "bits_per_byte", "facts")  # the order in which they are listed and drawn
SCORE_COLUMNS = ("benchmark", "language", "item", "subset", "candidate", "logprob")
TRANSLATION_COLUMNS = ("benchmark", "language", "item", "counts")
SUMMARY_COLUMNS = (
    *("id", "kind", "setup", "target", "method", "members", "step", "measure", "language", "subset"),
    *("value", "low", "high", "n", "ties", "chance"),
)

# With replicates: the seed of a row, ALL for the mean over seeds and for what is made once; and how many are in it.
SEED_COLUMNS = ("seed", "seeds")


def summarise(
    scores: Mapping[str, pd.DataFrame | Path],
    models: Sequence[Model],
    reference: pd.DataFrame,
    resamples: int,
    seed: int,
    parity: Parity = "mean_of_ratios",
    measured: Mapping[str, tuple[str, Normalisation]] | None = None,
    translations: Mapping[str, pd.DataFrame | Path] | None = None,
    replicates: ModelsBySeed | None = None,
    groups: Sequence[Group] = (),
) -> pd.DataFrame:
    """One row per model, measure, language and subset, with a 95 % interval over items.

    Args:
        scores: by model id, the rows of `items.parquet` or its path. A model without an entry, or whose path does not
            exist, gets rows with value NaN and n = 0 wherever another model has a score, so that holes can be seen.
        models: the models of the table, in its order. One that is only scored in some languages (`scored_in`) has no
            rows in others: a score that was not requested is no hole.
        reference: scores by the reference model of the English sides of benchmarks of information parity; those of
            the benchmark "parity" are the rows of "parity_reference" (see `ids.parity_reference`).
        resamples: number of bootstrap resamples, for information parity, bits per byte and translations.
        seed: of the resampling; a cell depends on it and on the cell's own items, on no other cell.
        parity: of the ratios NLL_reference(English) / NLL_model(target), the mean over items (Tsvetkov and Kipnis
            2024), or the sum of the numerators over the sum of the denominators, in which long sentences count more.
        measured: by benchmark, the measure that it is a benchmark of, and how log-probabilities of its candidates are
            normalised; a benchmark that is not named is a measure by itself, by summed log-probability.
        translations: by model id, the rows of `translations.parquet` or its path, under the same rules as `scores`.
        replicates: by id, the models (by seed) that are the same with other seeds, itself first; all in `models`.
        groups: models of which there are replicates, whose mean gets a row, too.

    Returns:
        Columns `SUMMARY_COLUMNS`; `members` is the number of the model's languages, `step` is NA for finished models.
        With `replicates` also `SEED_COLUMNS`. Then a row with the `seed` ALL stands for all seeds: it is the mean over
        replicates, with the interval of `seeds`, or a model that is made once. `seeds` is the number of replicates that
        have scores. The rows of each seed follow. At the end, a row of the kind MEAN for each of `groups` and measure
        has the mean over its models, as `group_means` has it: with the group's `setup`, `method` and `members`, in the
        language MEAN; NaN where there is no interval.
        `low` and `high` are the ends of the interval, see `statistics` for its kind; NaN over fewer than
        `statistics.FEWEST_ITEMS` items (of what is bootstrapped, in each benchmark).
        Pair measures: the share of items whose candidate 0 has a strictly higher log-probability than every other; ties
        are wrong, and counted. Where a measure has one benchmark, "all" is the mean over its items, and subsets are its
        groups (the part of the name before "/"), with "macro", their unweighted mean, where there are several. Where a
        measure has several benchmarks, these are its subsets, and "all" is their unweighted mean. A model that lacks a
        subset that another one has gets neither mean: those over other sets do not compare. NaN log-probabilities make
        their cell NaN. Information parity, bits per byte and translations have no groups and no chance; else this holds
        for them, too. Bits per byte: those of all documents together, resampled by document, whose number is `n`.
        Translations: chrF++ of the corpus, 0 to 100.

    Raises:
        GrowmergeError: two models of one id, scores of an unknown model, a missing column, doubled rows, an item
            without a candidate to compare, parity items that the reference lacks, or replicates with other items.
    """
    names = Counter(model.id for model in models)
    if doubled := sorted(name for name, count in names.items() if count > 1):
        raise GrowmergeError(f"models: the id {doubled[0]!r} stands there twice; give every model an id of its own")
    translations = translations or {}
    if unknown := sorted({*scores, *translations} - names.keys()):
        raise GrowmergeError(f"scores: {unknown[0]!r} is not among the {len(names)} models; pass it in `models`, too")

    check_doubled(_with_columns(reference, "the reference's scores", SCORE_COLUMNS), "the reference's scores")
    listings = Listings(measured or {}, reference)

    def cells_of(model: str, frame: pd.DataFrame | None, written: pd.DataFrame | None) -> dict[Key, Cell]:
        found: dict[Key, Cell] = {}
        if frame is not None:
            logprobs = frame["logprob"].to_numpy(dtype=np.float64)
            listed = listings.of(frame, name_of(scores[model], model))
            found |= of_scores(listed, logprobs, model, resamples, seed, parity)
        if written is not None:
            check_doubled(written, name_of(translations[model], model), KEYS[:-1])
            found |= of_translations(written, measured or {}, resamples, seed)
        return found

    replicates = replicates or {}
    grouped = {model for by_seed in replicates.values() for model in by_seed.values()}
    learned = {model.id: model.languages for model in models}
    cells: dict[str, dict[Key, Cell]] = {}
    of_groups = GroupMeans(groups)
    listed: dict[tuple[str, str], tuple[str, NDArray[np.object_]]] = {}
    means: dict[str, dict[Key, Cell]] = {}
    for group in [*([m.id] for m in models if m.id not in grouped), *(list(by.values()) for by in replicates.values())]:
        # The items of one group at a time: those of all models together would be gigabytes.
        frames = {name: _load(scores[name], name) if name in scores else None for name in group}
        texts = {m: _load(translations[m], m, TRANSLATION_COLUMNS) if m in translations else None for m in group}
        for of_group in (frames, texts):
            _check_same_items(of_group)
        found = {name: cells_of(name, frames[name], texts[name]) for name in group}
        if len(group) > 1:
            means[group[0]] = _means_over_seeds(list(found.values()))
            if groups:
                _check_listing(group[0], frames, listed)
                of_groups.add(group[0], learned[group[0]], found, means[group[0]])
        for name, whole in found.items():
            cells[name] = {key: cell._replace(items=None) for key, cell in whole.items()}

    chances = {key: cell.chance for of_model in cells.values() for key, cell in of_model.items()}
    holes = {key: Cell(Interval(np.nan, np.nan, np.nan), 0, 0, chances[key]) for key in sorted(chances, key=_order)}
    subsets = _subsets(holes)

    def rows_of(model: Model, found: Mapping[Key, Cell]) -> Iterator[tuple[Any, ...]]:
        about = (model.id, model.kind, model.setup, model.target, model.method, len(model.languages), model.step)
        ours = _subsets(found)
        for key, hole in holes.items():
            if model.scored_in is not None and key.language not in model.scored_in:
                continue
            cell = found.get(key, hole)
            # A mean over fewer subsets than other models have cannot be compared with theirs.
            if key.subset in (ALL, MACRO) and ours[key[:2]] < subsets[key[:2]]:
                cell = hole
            rest = (*key, *cell.interval, cell.n, cell.ties, cell.chance)
            yield (*about, *rest)

    if not replicates:
        rows = [row for model in models for row in rows_of(model, cells[model.id])]
        return pd.DataFrame(rows, columns=list(SUMMARY_COLUMNS)).astype({"step": "Int64"})
    seeds = seeds_of(replicates)
    rows = []
    for model in models:
        if model.id in means:
            known = sum(bool(cells[name]) for name in replicates[model.id].values())
            rows += [(*row, ALL, known) for row in rows_of(model, means[model.id])]
        rows += [(*row, seeds.get(model.id, ALL), 1) for row in rows_of(model, cells[model.id])]
    for of, measure, interval, n, known in of_groups:
        about = ("", MEAN, of.setup, "", of.method, of.members, None, measure, MEAN, ALL)
        rows.append((*about, *interval, n, 0, np.nan, ALL, known))
    return pd.DataFrame(rows, columns=[*SUMMARY_COLUMNS, *SEED_COLUMNS]).astype({"step": "Int64"})


def over_all_seeds(summary: pd.DataFrame) -> pd.DataFrame:
    """The rows of a summary that stand for all seeds; all rows, if there are no replicates."""
    return summary[summary["seed"] == ALL] if "seed" in summary else summary


def of_single_models(summary: pd.DataFrame) -> pd.DataFrame:
    """The rows of a summary of each model by itself, without means over seeds or models."""
    if "seed" not in summary:
        return summary
    summary = summary[summary["kind"] != MEAN]
    replicated = set(summary.loc[summary["seed"] != ALL, "id"])
    return summary[(summary["seed"] != ALL) | ~summary["id"].isin(replicated)]


def of_first_seed(summary: pd.DataFrame) -> pd.DataFrame:
    """The rows of a summary of the models of the first seed, and of those that are made once."""
    if "seed" not in summary:
        return summary
    single = of_single_models(summary)
    return single[[ids.split_seed(name)[1] is None for name in single["id"]]]


def _check_same_items(frames: Mapping[str, pd.DataFrame | None]) -> None:
    """Raise GrowmergeError for replicates that were scored on different items, or in another order."""
    keys = {
        model: frame[[key for key in ("benchmark", "language", "item", "candidate") if key in frame]]
        for model, frame in frames.items()
        if frame is not None
    }
    first, *others = list(keys) or [""]
    for model in others:
        if not keys[model].reset_index(drop=True).equals(keys[first].reset_index(drop=True)):
            raise GrowmergeError(f"{model}: was scored on other items than {first}; score both again")


def _check_listing(
    model: str,
    frames: Mapping[str, pd.DataFrame | None],
    listed: dict[tuple[str, str], tuple[str, NDArray[np.object_]]],
) -> None:
    """Raise GrowmergeError if the items of a model are others than those `listed`, or in another order.

    `listed` has a model and its items by benchmark and language; those of further ones are added.
    """
    frame = next((frame for frame in frames.values() if frame is not None), None)
    if frame is not None:
        for cell, items in frame.groupby(["benchmark", "language"], sort=False)["item"]:
            first, known = listed.setdefault(cell, (model, items.to_numpy()))
            if not np.array_equal(items.to_numpy(), known):
                raise GrowmergeError(f"{model}: was scored on other items than {first}; score both again")


def _means_over_seeds(cells: Sequence[Mapping[Key, Cell]]) -> dict[Key, Cell]:
    """The cells of replicates together: of those that have scores, in what all of these have."""
    known = [of_model for of_model in cells if of_model]
    if len(known) < 2:
        return dict(known[0]) if known else {}
    found = {}
    for key, first in known[0].items():
        group = [of_model[key] for of_model in known if key in of_model]
        if len(group) < len(known) or first.items is None:
            continue
        items = [cell.items for cell in group if cell.items is not None]
        interval = mean_over_seeds([cell.interval.mean for cell in group], items)
        fewest = min(stratum.size for stratum in items[0].strata)
        n = first.n if items[0].shares else fewest
        found[key] = Cell(of_enough(interval, n), first.n, round(np.mean([c.ties for c in group])), first.chance)
    return found


def _subsets(keys: Iterable[Key]) -> Counter[tuple[str, str]]:
    """The number of subsets of each (measure, language)."""
    return Counter(key[:2] for key in keys)


def best(measure: str, values: pd.Series) -> float:
    """The best of some scores of a measure: the highest, but of bits per byte the lowest."""
    return float(values.min() if measure in LOWER_IS_BETTER else values.max())


def measure_order(measure: str) -> tuple[int, str]:
    """Sort key: the measures of the papers in their order, then any other by name."""
    return (MEASURES.index(measure) if measure in MEASURES else len(MEASURES), measure)


def _order(key: Key) -> tuple[tuple[int, str], str, bool, bool, str]:
    return (measure_order(key.measure), key.language, key.subset != ALL, key.subset != MACRO, key.subset)


def _load(source: pd.DataFrame | Path, model: str, columns: Sequence[str] = SCORE_COLUMNS) -> pd.DataFrame | None:
    """The scores, with all `columns`; None where there is no file."""
    if isinstance(source, Path) and not source.exists():
        return None
    try:
        frame = source if isinstance(source, pd.DataFrame) else pd.read_parquet(source)
    except (OSError, ValueError) as error:  # pyarrow's ArrowInvalid is a ValueError
        raise GrowmergeError(f"{source}: not a readable Parquet file ({error}); delete it and score again") from error
    return _with_columns(frame, name_of(source, model), columns)


def _with_columns(frame: pd.DataFrame, where: str, columns: Sequence[str]) -> pd.DataFrame:
    if missing := [column for column in columns if column not in frame.columns]:
        raise GrowmergeError(f"{where}: no column {missing[0]!r}; there are {', '.join(map(str, frame.columns))}")
    return frame
