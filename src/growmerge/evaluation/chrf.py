"""chrF++ (Popović 2017): F-scores of character and word n-grams, from statistics of sentences that sacrebleu counts.

The score of a corpus is that of the sum of its sentences' statistics, so whoever keeps these has the score of any set
of sentences, and of a thousand resamples, without another look at the texts.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from sacrebleu.metrics import CHRF

CHARACTERS, WORDS, BETA = 6, 2, 2  # longest n-grams, and how much more recall counts: chrF++ as it is published
ORDERS = CHARACTERS + WORDS
COUNTS = 3 * ORDERS  # of a sentence: n-grams of the hypothesis, of the reference, and common ones, order by order
# Resamples are drawn so many items at a time (8 MiB of indices).
DRAWS_PER_BLOCK = 2**20


@cache
def _metric() -> CHRF:
    from sacrebleu.metrics import CHRF

    return CHRF(char_order=CHARACTERS, word_order=WORDS, beta=BETA)


def signature() -> str:
    """How sacrebleu names the metric with its settings and version."""
    metric = _metric()
    metric.corpus_score([""], [[""]])  # it wants to know the number of references
    return str(metric.get_signature())


def count(hypotheses: Sequence[str], references: Sequence[str]) -> NDArray[np.int64]:
    """The statistics of each hypothesis against its reference, [len(hypotheses), COUNTS]."""
    if len(hypotheses) != len(references):
        raise ValueError(f"{len(hypotheses)} hypotheses and {len(references)} references do not pair up")
    counts = _metric()._extract_corpus_statistics(list(hypotheses), [list(references)])
    return np.array(counts, dtype=np.int64).reshape(-1, COUNTS)


def stacked(column: Iterable[Sequence[int]]) -> NDArray[np.int64]:
    """The statistics of sentences as a table holds them, a list each, [sentences, COUNTS]."""
    return np.array(list(column), dtype=np.int64).reshape(-1, COUNTS)


def chrf(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """chrF++ between 0 and 100 of statistics [..., COUNTS], each those of a sentence or the sum over a corpus, [...].

    As sacrebleu computes it: precision and recall are averaged over the orders of which both sides have n-grams.
    """
    hypothesis, reference, common = np.moveaxis(np.asarray(counts).reshape(*counts.shape[:-1], ORDERS, 3), -1, 0)
    known = (hypothesis > 0) & (reference > 0)
    orders = np.maximum(known.sum(axis=-1), 1)
    precision = np.where(known, common / np.maximum(hypothesis, 1), 0.0).sum(axis=-1) / orders
    recall = np.where(known, common / np.maximum(reference, 1), 0.0).sum(axis=-1) / orders
    weighted = BETA**2 * precision + recall
    scores = (1 + BETA**2) * precision * recall / np.where(weighted > 0, weighted, 1.0)
    return np.asarray(100.0 * scores, dtype=np.float64)


def of_corpus(counts: NDArray[np.int64]) -> float:
    """chrF++ of a corpus between 0 and 100 from the statistics of its sentences, [sentences, COUNTS]."""
    return float(chrf(counts.sum(axis=0)))


def of_each(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """What each of n sentences adds to the chrF++ of the corpus, counts of shape (n, COUNTS): jackknife pseudo-values.

    n times the score of all minus n - 1 times that without the sentence (Efron and Tibshirani 1993, chapter 11), (n,).
    """
    n, total = len(counts), counts.sum(axis=0)
    return n * chrf(total) - (n - 1) * chrf(total - counts)


def resampled(counts: NDArray[np.int64], resamples: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """chrF++ of `resamples` corpora of n sentences drawn with replacement from n, counts of shape (n, COUNTS)."""
    n = len(counts)
    rows = max(1, DRAWS_PER_BLOCK // n)
    sums = []
    for start in range(0, resamples, rows):
        size = min(rows, resamples - start)
        drawn = rng.integers(n, size=(size, n)) + n * np.arange(size)[:, None]
        times = np.bincount(drawn.ravel(), minlength=size * n).reshape(size, n)  # how often each sentence is there
        sums.append(times.astype(np.float64) @ counts)
    return chrf(np.concatenate(sums))
