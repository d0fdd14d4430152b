"""A model's scores in a measure and language: from item scores or translations to values with intervals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from growmerge import ids
from growmerge.catalogue.entry import BITS_PER_BYTE, PARITY, Normalisation
from growmerge.errors import GrowmergeError
from growmerge.evaluation.chrf import of_corpus, of_each, resampled, stacked
from growmerge.evaluation.outcomes import bits_and_bytes, normalised_by_benchmark, outcomes
from growmerge.ids import ALL, MACRO
from growmerge.tables.seeds import Items, of_ratio
from growmerge.tables.statistics import (
    PERCENTILES,
    Interval,
    bootstrap_mean_of_means,
    bootstrap_mean_of_ratios_of_sums,
    mean_of_shares,
    of_enough,
)

Parity = Literal["mean_of_ratios", "ratio_of_sums"]
_Pairs = tuple[NDArray[np.float64], NDArray[np.float64]]  # English and target of each item; bits and bytes of each text


class Key(NamedTuple):
    """Where a cell stands; the subset is ALL, MACRO, a benchmark or a group of items."""

    measure: str
    language: str
    subset: str


class Cell(NamedTuple):
    """A value with its interval, the number of items, ties among them, and the level of guessing; NaN if none."""

    interval: Interval
    n: int
    ties: int
    chance: float
    items: Items | None = None  # for means over seeds; not kept beyond them


def of_scores(
    frame: pd.DataFrame,
    measured: Mapping[str, tuple[str, Normalisation]],
    references: pd.DataFrame,
    model: str,
    resamples: int,
    seed: int,
    parity: Parity,
) -> Iterator[tuple[Key, Cell]]:
    """Every cell of a model that is scored by log-likelihoods; the arguments are those of `summary.summarise`.

    Raises GrowmergeError for an item without a candidate to compare, or parity items that the reference lacks.
    """
    frame = _by_measure(frame, measured)
    by_ratio = frame["measure"] == PARITY
    yield from _parity_cells(frame[by_ratio], references, model, resamples, seed, parity)
    running_text = frame["measure"] == BITS_PER_BYTE
    yield from _bits_cells(frame[running_text], resamples, seed)
    english_sides = [name for name in frame["benchmark"].unique() if ids.is_parity_reference(name)]
    yield from _pair_cells(frame[~by_ratio & ~running_text & ~frame["benchmark"].isin(english_sides)], model)


def _parity_cells(
    frame: pd.DataFrame, references: pd.DataFrame, model: str, resamples: int, seed: int, parity: Parity
) -> Iterator[tuple[Key, Cell]]:
    """Information parity in every language, and of its benchmarks where there are several."""

    def cell(pairs: Sequence[_Pairs]) -> Cell:
        """The unweighted mean over benchmarks, each resampled within itself."""
        interval = (
            bootstrap_mean_of_means([english / target for english, target in pairs], resamples, seed)
            if parity == "mean_of_ratios"
            else bootstrap_mean_of_ratios_of_sums(pairs, resamples, seed)
        )
        sizes = [target.size for _, target in pairs]
        whole = parity == "ratio_of_sums"
        items = Items([of_ratio(english, target) if whole else english / target for english, target in pairs])
        return Cell(of_enough(interval, min(sizes)), sum(sizes), 0, np.nan, items)

    for language, rows in frame.groupby("language", sort=False):
        english = references[references["language"] == language]
        benchmarks = {
            str(benchmark): _parity_pairs(part, english, f"{model}, {benchmark} in {language}", str(benchmark))
            for benchmark, part in rows.groupby("benchmark", sort=False)
        }
        yield Key(PARITY, str(language), ALL), cell(list(benchmarks.values()))
        if rows["several"].iloc[0]:
            for benchmark, pairs in benchmarks.items():
                yield Key(PARITY, str(language), benchmark), cell([pairs])


def _bits_cells(frame: pd.DataFrame, resamples: int, seed: int) -> Iterator[tuple[Key, Cell]]:
    """Bits per byte in every language, and of its benchmarks where there are several."""

    def cell(texts: Sequence[_Pairs]) -> Cell:
        """The unweighted mean over benchmarks, each resampled within itself."""
        interval = bootstrap_mean_of_ratios_of_sums(texts, resamples, seed)
        sizes = [length.size for _, length in texts]
        items = Items([of_ratio(bits, length) for bits, length in texts])
        return Cell(of_enough(interval, min(sizes)), sum(sizes), 0, np.nan, items)

    if frame.empty:
        return  # scores that are older than bits per byte have no column `bytes`
    documents: dict[str, dict[str, _Pairs]] = {}  # by language and benchmark
    for (benchmark, language), part in bits_and_bytes(frame).groupby(level=["benchmark", "language"]):
        pair = (part["bits"].to_numpy(np.float64), part["bytes"].to_numpy(np.float64))
        documents.setdefault(str(language), {})[str(benchmark)] = pair
    for language, several in frame[["language", "several"]].drop_duplicates("language").itertuples(index=False):
        benchmarks = documents[str(language)]
        yield Key(BITS_PER_BYTE, str(language), ALL), cell(list(benchmarks.values()))
        if several:
            for name, texts in benchmarks.items():
                yield Key(BITS_PER_BYTE, str(language), name), cell([texts])


def _pair_cells(frame: pd.DataFrame, model: str) -> Iterator[tuple[Key, Cell]]:
    """The cells of the measures in which candidates are compared."""
    try:
        items = outcomes(frame)  # of all cells at once: pandas takes as long for few rows as for many
    except GrowmergeError as error:
        raise GrowmergeError(f"{model}, {error}") from error
    about = frame[frame["candidate"] == 0]
    group = np.where(about["several"], about["benchmark"], about["subset"].str.split("/").str[0])
    right, tie = items["right"].to_numpy(), items["tie"].to_numpy()
    chance = 1.0 / items["candidates"].to_numpy()

    def cell(strata: Sequence[NDArray[np.intp]]) -> Cell:
        """The unweighted mean over strata, each the places of its items."""
        n = sum(places.size for places in strata)
        answers = [right[places] for places in strata]
        return Cell(
            of_enough(mean_of_shares(answers), n),
            n=n,
            ties=sum(int(tie[places].sum()) for places in strata),
            chance=float(np.mean([chance[places].mean() for places in strata])),
            items=Items(answers, shares=True),
        )

    for (measure, language), whole in about.groupby(["measure", "language"]).indices.items():
        several = about["several"].iloc[whole[0]]
        names = pd.unique(group[whole])
        parts = {name: whole[group[whole] == name] for name in (names if several else sorted(names))}
        yield Key(measure, language, ALL), cell(list(parts.values()) if several else [whole])
        if len(parts) > 1 and not several:
            yield Key(measure, language, MACRO), cell(list(parts.values()))
        for name, part in parts.items():
            if name not in ("", ALL, MACRO):
                yield Key(measure, language, name), cell([part])


def of_translations(
    frame: pd.DataFrame, measured: Mapping[str, tuple[str, Normalisation]], resamples: int, seed: int
) -> Iterator[tuple[Key, Cell]]:
    """The chrF++ of a measure in every language, and of its benchmarks where it has several."""
    measures = {benchmark: measure for benchmark, (measure, _) in measured.items()}
    frame = frame.assign(measure=[measures.get(benchmark, benchmark) for benchmark in frame["benchmark"]])
    for (measure, language), rows in frame.groupby(["measure", "language"], sort=False):
        corpora = {
            str(benchmark): stacked(part.sort_values("item")["counts"])  # so that the order of rows decides nothing
            for benchmark, part in rows.groupby("benchmark", sort=False)
        }
        yield Key(measure, language, ALL), _corpus_cell(list(corpora.values()), resamples, seed)
        if Counter(measures.values())[measure] > 1:
            for benchmark, corpus in corpora.items():
                yield Key(measure, language, benchmark), _corpus_cell([corpus], resamples, seed)


def _corpus_cell(corpora: Sequence[NDArray[np.int64]], resamples: int, seed: int) -> Cell:
    """The unweighted mean over corpora of their chrF++, each resampled within itself."""
    value = float(np.mean([of_corpus(corpus) for corpus in corpora]))
    rng = np.random.default_rng(seed)
    means = np.mean([resampled(corpus, resamples, rng) for corpus in corpora], axis=0)
    low, high = np.percentile(means, PERCENTILES)
    sizes = list(map(len, corpora))
    items = Items([of_each(corpus) for corpus in corpora])
    return Cell(of_enough(Interval(value, float(low), float(high)), min(sizes)), sum(sizes), 0, np.nan, items)


def _parity_pairs(rows: pd.DataFrame, references: pd.DataFrame, where: str, benchmark: str) -> _Pairs:
    """NLL_reference(English) and NLL_model(target) of each item of a benchmark, in nats, both of shape (n,)."""
    scored_as = ids.parity_reference(benchmark)
    references = references[references["benchmark"] == scored_as]
    target = rows.set_index("item")["logprob"]
    english = references.set_index("item")["logprob"].reindex(target.index)
    if absent := int((~target.index.isin(references["item"])).sum()):
        raise GrowmergeError(
            f"{where}: {absent} of {target.size} items have no English side in the reference's scores "
            f"(benchmark {scored_as!r}); score the reference model again on the same items"
        )
    if impossible := int((target >= 0).sum() + (english >= 0).sum()):
        raise GrowmergeError(f"{where}: {impossible} log-probabilities are not negative; score again")
    return -english.to_numpy(dtype=np.float64), -target.to_numpy(dtype=np.float64)


def _by_measure(frame: pd.DataFrame, measured: Mapping[str, tuple[str, Normalisation]]) -> pd.DataFrame:
    """The scores with their `measure`, whether it has `several` benchmarks, and log-probabilities normalised."""
    measures = {benchmark: measure for benchmark, (measure, _) in measured.items()}
    frame = frame.assign(measure=[measures.get(benchmark, benchmark) for benchmark in frame["benchmark"]])
    frame["several"] = frame["measure"].map(Counter(measures.values())).gt(1)
    frame["logprob"] = normalised_by_benchmark(frame, {benchmark: by for benchmark, (_, by) in measured.items()})
    return frame
