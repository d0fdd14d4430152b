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
from growmerge.ids import ALL, MACRO
from growmerge.tables.listed import Listed, Parallel, by_language
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
    listed: Listed, logprobs: NDArray[np.float64], model: str, resamples: int, seed: int, parity: Parity
) -> Iterator[tuple[Key, Cell]]:
    """Every cell of a model that is scored by log-likelihoods: `logprobs` of the rows of `listed`, shape (rows,).

    The other arguments are those of `summary.summarise`. Raises GrowmergeError for an item without a candidate to
    compare, or parity items that the reference lacks.
    """
    yield from _parity_cells(listed, logprobs, model, resamples, seed, parity)
    yield from _bits_cells(listed, logprobs, resamples, seed)
    yield from _pair_cells(listed, logprobs, model)


def _parity_cells(
    listed: Listed, logprobs: NDArray[np.float64], model: str, resamples: int, seed: int, parity: Parity
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

    for language, of_language in by_language(listed.parallel):
        pairs = [_parity_pairs(sentences, logprobs, model) for sentences in of_language]
        yield Key(PARITY, language, ALL), cell(pairs)
        if PARITY in listed.several:
            for sentences, pair in zip(of_language, pairs, strict=True):
                yield Key(PARITY, language, sentences.benchmark), cell([pair])


def _bits_cells(listed: Listed, logprobs: NDArray[np.float64], resamples: int, seed: int) -> Iterator[tuple[Key, Cell]]:
    """Bits per byte in every language, and of its benchmarks where there are several."""

    def cell(texts: Sequence[_Pairs]) -> Cell:
        """The unweighted mean over benchmarks, each resampled within itself."""
        interval = bootstrap_mean_of_ratios_of_sums(texts, resamples, seed)
        sizes = [length.size for _, length in texts]
        items = Items([of_ratio(bits, length) for bits, length in texts])
        return Cell(of_enough(interval, min(sizes)), sum(sizes), 0, np.nan, items)

    if listed.texts is None:
        return
    rows, documents = listed.texts
    bits, length = documents.bits(logprobs[rows]), documents.bytes.astype(np.float64)
    of_language: dict[str, dict[str, _Pairs]] = {}
    for benchmark, language in sorted(documents.cells):
        places = documents.cells[benchmark, language]
        of_language.setdefault(language, {})[benchmark] = bits[places], length[places]
    for language, benchmarks in of_language.items():
        yield Key(BITS_PER_BYTE, language, ALL), cell(list(benchmarks.values()))
        if BITS_PER_BYTE in listed.several:
            for name, texts in benchmarks.items():
                yield Key(BITS_PER_BYTE, language, name), cell([texts])


def _pair_cells(listed: Listed, logprobs: NDArray[np.float64], model: str) -> Iterator[tuple[Key, Cell]]:
    """The cells of the measures in which candidates are compared."""
    try:
        pairs = listed.pairs
    except GrowmergeError as error:
        raise GrowmergeError(f"{model}, {error}") from error
    right, tie = pairs.judge(logprobs)
    chance = 1.0 / pairs.candidates.number

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

    for (measure, language), (whole, parts) in pairs.strata.items():
        several = measure in listed.several
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


def _parity_pairs(sentences: Parallel, logprobs: NDArray[np.float64], model: str) -> _Pairs:
    """NLL_reference(English) and NLL_model(target) of each item of a benchmark, in nats, both of shape (n,)."""
    where = f"{model}, {sentences.benchmark} in {sentences.language}"
    target, english = logprobs[sentences.rows], sentences.english
    if sentences.lacking:
        raise GrowmergeError(
            f"{where}: {sentences.lacking} of {target.size} items have no English side in the reference's scores "
            f"(benchmark {ids.parity_reference(sentences.benchmark)!r}); score the reference model again on the same "
            "items"
        )
    if impossible := int((target >= 0).sum() + (english >= 0).sum()):
        raise GrowmergeError(f"{where}: {impossible} log-probabilities are not negative; score again")
    return -english, -target
