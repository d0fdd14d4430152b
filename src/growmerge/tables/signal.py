"""What a benchmark can tell in a language: whether models are above a floor, differ by more than noise, and improve.

The questions are those of Kydlíček et al. (2024, FineTasks): non-random performance, low noise, monotonicity. Signal
and noise are those of Heineman et al. (2025, arXiv:2508.13144): the range of the scores of models, and the standard
deviation of the scores of the last checkpoints of one training. Trainings are short here, so scores still rise over
these checkpoints; a straight line over the steps is taken out first. Where models are trained with several seeds, the
noise is the spread between seeds: it has all that another run would change, for which checkpoints only stand in.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from growmerge.catalogue.entry import LOWER_IS_BETTER, Normalisation
from growmerge.frames import write_frame
from growmerge.ids import ALL, MULTI, UNIGRAM
from growmerge.study.grid import Model
from growmerge.study.replicates import ModelsBySeed
from growmerge.tables.cells import Parity
from growmerge.tables.score_files import summary_of_files
from growmerge.tables.summary import of_single_models, over_all_seeds

logger = logging.getLogger(__name__)
COLUMNS = (
    *("measure", "benchmark", "language", "n", "floor", "of_floor", "models", "above"),
    *("lowest", "highest", "noise", "degrees", "ratio", "needed", "trainings", "order", "tells", "why"),
)
AT_FLOOR = "at the floor"
NOISY = "models differ no more than late checkpoints"
NOISY_SEEDS = "models differ no more than runs with other seeds"
NO_ORDER = "checkpoints are in no order"
NO_MODELS = "fewer than two models"
NO_NOISE = "noise is not known"
SEEDS, CHECKPOINTS = "seeds", "late checkpoints"  # where the noise is from
MAJORITY = 0.5  # of the models have to be above the floor
IN_ORDER = 0.5  # the rank correlation of steps and scores, at least
FEWEST_MOMENTS = 4  # of a training: below, a residual or a rank correlation says nothing
LEVEL = 0.95
_CELL = ["measure", "subset", "language"]

Values = NDArray[np.float64]


def noise_of(steps: Sequence[int], values: Sequence[float]) -> tuple[float, int]:
    """The standard deviation of scores around a straight line over the steps, and its degrees of freedom.

    NaN and 0 for fewer than `FEWEST_MOMENTS` scores.
    """
    if len(values) < FEWEST_MOMENTS or np.isnan(values).any():
        return float("nan"), 0
    x, y = np.asarray(steps, dtype=np.float64), np.asarray(values, dtype=np.float64)
    residuals = y - np.polyval(np.polyfit(x - x.mean(), y, 1), x - x.mean())
    degrees = len(values) - 2
    return float(np.sqrt(np.square(residuals).sum() / degrees)), degrees


def noise_between_seeds(values: Sequence[Sequence[float]]) -> tuple[float, int]:
    """The standard deviation of a mean over seeds, and its degrees of freedom, from the scores of each model by seed.

    The variance between the seeds of a model is pooled over models, since three seeds alone say little of it. A mean
    over S seeds has the S-th part of it. If models have unequal numbers of seeds, it is the mean of these parts (after
    Kramer 1956, who does so for each pair). NaN and 0 if no model has two seeds.
    """
    known = [np.asarray(of_model, dtype=np.float64) for of_model in values]
    degrees = sum(of_model.size - 1 for of_model in known)
    if not degrees:
        return float("nan"), 0
    squares = sum(float(np.square(of_model - of_model.mean()).sum()) for of_model in known)
    return float(np.sqrt(squares / degrees * np.mean([1 / of_model.size for of_model in known]))), degrees


@lru_cache
def needed_ratio(models: int, degrees: int) -> float:
    """What the range of so many models' scores over their noise exceeds in 5 % of cases if all models are equally good.

    The studentized range (Tukey 1949), where the noise is a standard deviation with so many degrees of freedom.
    """
    return float(stats.studentized_range.ppf(LEVEL, models, degrees))


def order_of(steps: Sequence[int], values: Sequence[float], better: int) -> float:
    """Spearman's rank correlation of steps and scores; `better` is 1 if higher scores are better, else -1.

    NaN for fewer than `FEWEST_MOMENTS` scores. 0 if all scores are equal: they show no progress.
    """
    if len(values) < FEWEST_MOMENTS or np.isnan(values).any():
        return float("nan")
    if len(set(values)) == 1:
        return 0.0
    return better * float(stats.spearmanr(steps, values).statistic)


def signal(
    summary: pd.DataFrame,
    trainings: Mapping[str, Mapping[str, int]],
    late: Collection[str],
    *,
    untrained: Collection[str],
    english: str,
    benchmarks: Collection[str] = (),
    replicates: ModelsBySeed | None = None,
) -> pd.DataFrame:
    """One row per measure and language, and per benchmark of a measure that has several: columns `COLUMNS`.

    Args:
        summary: scores (`growmerge.tables.summary`) of the models, of floors, and of checkpoints.
        trainings: by the id of a trained model, the ids of its scored checkpoints and its own, each with its step.
        late: the ids among these, of one training, from which the noise is estimated.
        untrained: the ids of the untrained models.
        english: the code of the language in which models of all targets are compared.
        benchmarks: the names of all benchmarks. A subset of such a name is a benchmark of a measure with several.
        replicates: by id, the models (by seed) that are the same with other seeds, as in the summary.

    Returns:
        `floor` is the level of guessing, else the better of the untrained model and the unigram model (`of_floor` says
        which); NaN if none was scored. `models` are the finished models that were trained on the language (in English:
        all), `above` the share of them whose 95 % interval lies on the better side of the floor. `lowest` and `highest`
        are the ends of their scores; `noise` is that of `noise_of`, with so many `degrees` of freedom; `ratio` is
        (highest - lowest) / noise, and `needed` is what it must exceed (`needed_ratio`). `order` is the mean over
        `trainings` (their number) of `order_of`; not in English, which may well get worse. What is not known is NaN.
        `tells` is whether nothing speaks against the benchmark; `why` lists what does: at most half of the models above
        the floor, a ratio that is too small, an order below 0.5, unknown noise, or fewer than two models.

        With `replicates`, the scores of finished models are means over seeds, and their noise is that of
        `noise_between_seeds`. Where no model has scores of two seeds, it is that of the late checkpoints. The column
        `of_noise` says which of both: `SEEDS` or `CHECKPOINTS`; empty if noise is not known. Checkpoints are of the
        first seed, and so is the last moment of their training.
    """
    steps = {name: step for moments in trainings.values() for name, step in moments.items()}
    rows = []
    chosen = summary[(summary["subset"] == ALL) | summary["subset"].isin(list(benchmarks))]
    of_runs = _of_runs(chosen)
    for (measure, subset, language), cells in over_all_seeds(chosen).groupby(_CELL, sort=False):
        runs = of_runs.get((measure, subset, language), {})
        known = cells.dropna(subset="value").set_index("id")
        finished = known[(known["kind"] == "model") & known["step"].isna()]
        models = finished if language == english else finished[finished["target"].isin([language, MULTI])]
        better = -1 if measure in LOWER_IS_BETTER else 1
        floor, of_floor = _floor(known, untrained, better)
        above = _above(models, floor, better)
        noise, degrees, of_noise = _noise(models.index, {name: steps[name] for name in late}, runs, replicates or {})
        lowest, highest = (models["value"].min(), models["value"].max()) if len(models) else (np.nan, np.nan)
        needed = needed_ratio(len(models), degrees) if len(models) > 1 and degrees else np.nan
        ratio = (highest - lowest) / noise if noise > 0 else np.nan
        # Models learn other languages, so their English need not get better in training.
        asked = {} if language == english else trainings
        orders = [o for scored in asked.values() if not np.isnan(o := _order(scored, runs, better))]
        order = float(np.mean(orders)) if orders else np.nan
        why = _why(above, len(models), ratio, needed, order, noise, of_noise)
        about = (measure, "" if subset == ALL else subset, language, int(models["n"].min()) if len(models) else 0)
        found = (floor, of_floor, len(models), above, lowest, highest, noise, degrees, ratio, needed)
        told = (len(orders), order, not why, "; ".join(why), *([of_noise] if replicates else []))
        rows.append((*about, *found, *told))
    return pd.DataFrame(rows, columns=[*COLUMNS, *(["of_noise"] if replicates else [])])


def _of_runs(summary: pd.DataFrame) -> dict[tuple[str, str, str], dict[str, float]]:
    """By measure, subset and language, the known scores of single models by id, without means over seeds."""
    found: dict[tuple[str, str, str], dict[str, float]] = {}
    for row in of_single_models(summary).dropna(subset="value").itertuples():
        found.setdefault((row.measure, row.subset, row.language), {})[row.id] = row.value
    return found


def _noise(
    models: Iterable[str], late: Mapping[str, int], runs: Mapping[str, float], replicates: ModelsBySeed
) -> tuple[float, int, str]:
    """The noise of scores, its degrees of freedom, and what it is from: seeds if a model has several, else `late`."""
    by_seed = [replicates.get(model, {0: model}).values() for model in models]
    noise, degrees = noise_between_seeds([[runs[name] for name in names if name in runs] for names in by_seed])
    if degrees:
        return noise, degrees, SEEDS
    moments = [name for name in late if name in runs]
    noise, degrees = noise_of([late[name] for name in moments], [runs[name] for name in moments])
    return noise, degrees, CHECKPOINTS if degrees else ""


def _floor(known: pd.DataFrame, untrained: Collection[str], better: int) -> tuple[float, str]:
    """The level of guessing, or the best score of what has learned nothing of sentences; and its name."""
    chance = known["chance"].mean()
    if not np.isnan(chance):
        return float(chance), "chance"
    floors = known.loc[known.index.isin([*untrained, UNIGRAM]), "value"]
    if floors.empty:
        return float("nan"), ""
    name = (better * floors).idxmax()
    return float(floors[name]), str(name)


def _above(models: pd.DataFrame, floor: float, better: int) -> float:
    """The share of the models whose interval lies on the better side of the floor."""
    if np.isnan(floor) or models.empty:
        return float("nan")
    end = models["low"] if better > 0 else models["high"]
    return float((better * (end - floor) > 0).mean())


def _order(moments: Mapping[str, int], runs: Mapping[str, float], better: int) -> float:
    scored = [name for name in moments if name in runs]
    return order_of([moments[name] for name in scored], [runs[name] for name in scored], better)


def _why(
    above: float, models: int, ratio: float, needed: float, order: float, noise: float, of_noise: str
) -> list[str]:
    """What speaks against a benchmark."""
    if models < 2:
        return [NO_MODELS]
    found = [AT_FLOOR] if above <= MAJORITY else []
    if np.isnan(noise):
        found.append(NO_NOISE)
    elif ratio <= needed:
        found.append(NOISY_SEEDS if of_noise == SEEDS else NOISY)
    return [*found, *([NO_ORDER] if order < IN_ORDER else [])]


def write_signal(
    models: Sequence[Model],
    scores_folder: Path,
    references: Sequence[Path],
    parquet: Path,
    *,
    resamples: int,
    seed: int,
    parity: Parity,
    measured: Mapping[str, tuple[str, Normalisation]],
    trainings: Mapping[str, Mapping[str, int]],
    late: Sequence[str],
    untrained: Sequence[str],
    english: str,
    translated: bool = False,
    replicates: ModelsBySeed | None = None,
) -> None:
    """Write `signal` of the scores of `models` to `parquet` and a .csv beside it.

    The arguments are those of `tables.write_table` and `signal`. Raises GrowmergeError for scores that differ from
    their manifest.
    """
    start = time.monotonic()
    how: dict[str, Any] = {"resamples": resamples, "seed": seed, "parity": parity, "measured": dict(measured)}
    summary, files = summary_of_files(
        models, scores_folder, references, **how, translated=translated, replicates=replicates
    )
    judged: dict[str, Any] = {"untrained": untrained, "english": english, "replicates": replicates}
    table = signal(summary, trainings, late, benchmarks=measured, **judged)
    config = how | {"late": list(late), "untrained": list(untrained), "english": english}
    facts = {"rows": len(table), "tell": int(table["tells"].sum())}
    write_frame(table, parquet, [*files.there, *references], config, facts, start)
    logger.info("%(tell)d of %(rows)d cells can tell models apart", facts)
