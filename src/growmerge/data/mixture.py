"""Mixtures: which sequence is trained on at which step, as a pure function of the seed and the position.

A mixture is a list of phases, one after the other. A phase has components (a corpus, or a fixed share of one) and is
passed through epoch by epoch; each epoch is a fresh permutation of the sequences of all its components together.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from growmerge.errors import GrowmergeError

ROUNDS = 6


@dataclass(frozen=True)
class Component:
    """A share of a corpus (always the same sequences of it), for so many epochs."""

    corpus: str
    epochs: float = 1.0
    share: float = 1.0


Phase = tuple[Component, ...]


def permuted(index: np.ndarray, size: int, key: str) -> np.ndarray:
    """Where a keyed pseudo-random permutation of range(size) sends `index` (int64 array, values below `size`).

    A Feistel network on the next power of four, walked until the value falls below `size`: no table of `size` numbers
    is kept, whatever the size of the corpus.
    """
    half = max(1, math.ceil(math.log2(max(size, 2)) / 2))
    mask = np.uint64((1 << half) - 1)
    seed = hashlib.sha256(key.encode()).digest()
    keys = np.frombuffer(seed, dtype=np.uint32).astype(np.uint64)[:ROUNDS] | np.uint64(1)

    def round_trip(values: np.ndarray) -> np.ndarray:
        left, right = values >> np.uint64(half), values & mask
        for k in keys:
            mixed = (right + k) * np.uint64(0x9E3779B97F4A7C15)
            mixed ^= mixed >> np.uint64(29)
            mixed *= np.uint64(0xBF58476D1CE4E5B9)
            mixed ^= mixed >> np.uint64(32)
            left, right = right, left ^ (mixed & mask)
        return (left << np.uint64(half)) | right

    values = round_trip(index.astype(np.uint64))
    while (outside := values >= size).any():
        values[outside] = round_trip(values[outside])
    return values.astype(np.int64)


@dataclass(frozen=True)
class _Epoch:
    """One pass: for every component its corpus, the sequences it draws from, and how many it draws."""

    key: str
    draws: tuple[tuple[str, int, int], ...]  # corpus, sequences in its share, sequences taken in this pass

    @property
    def size(self) -> int:
        return sum(count for _, _, count in self.draws)


class Mixture:
    """The order of all sequences of a training run."""

    def __init__(self, phases: Sequence[Phase], sizes: Mapping[str, int], seed: int) -> None:
        """`sizes` maps corpora to their numbers of sequences. Raises GrowmergeError for a component without any."""
        self.seed = seed
        self._sizes = dict(sizes)
        self._epochs: list[_Epoch] = []
        for number, phase in enumerate(phases):
            for component in phase:
                if round(sizes[component.corpus] * component.share) == 0:
                    raise GrowmergeError(
                        f"corpus '{component.corpus}': {component.share:.3g} of its {sizes[component.corpus]} sequences "
                        "is less than one; give it more text, a larger share, or leave it out of the mixture"
                    )
            for epoch in range(math.ceil(max(c.epochs for c in phase))):
                draws = []
                for c in phase:
                    share = round(sizes[c.corpus] * c.share)
                    count = round(share * min(1.0, max(0.0, c.epochs - epoch)))
                    if count:
                        draws.append((c.corpus, share, count))
                self._epochs.append(_Epoch(f"{seed}/{number}/{epoch}", tuple(draws)))
        self._first = np.cumsum([0, *(e.size for e in self._epochs)])

    def __len__(self) -> int:
        """Number of sequences, repetitions counted."""
        return int(self._first[-1])

    def counts(self) -> dict[str, int]:
        """Sequences drawn from each corpus, repetitions counted."""
        totals: dict[str, int] = {}
        for epoch in self._epochs:
            for corpus, _, count in epoch.draws:
                totals[corpus] = totals.get(corpus, 0) + count
        return totals

    def at(self, position: int) -> tuple[str, int]:
        """(corpus, index of the sequence in it) at a position of the run."""
        number = int(np.searchsorted(self._first, position, side="right")) - 1
        epoch = self._epochs[number]
        index = int(permuted(np.array([position - int(self._first[number])]), epoch.size, epoch.key)[0])
        for corpus, share, count in epoch.draws:
            if index < count:
                return corpus, self._member(corpus, share, index, epoch.key)
            index -= count
        raise IndexError(position)

    def _member(self, corpus: str, share: int, index: int, epoch: str) -> int:
        """The index-th sequence that an epoch takes from a share of a corpus.

        The share is a fixed sample of the corpus, the same in every epoch; an epoch that takes less than the share
        takes another sample of it each time.
        """
        within = int(permuted(np.array([index]), share, f"{epoch}/{corpus}")[0])
        return int(permuted(np.array([within]), self._sizes[corpus], f"{self.seed}/{corpus}")[0])
