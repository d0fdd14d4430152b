"""Mixtures: which sequence is trained on at which step, as a pure function of the seed and the position.

A mixture is a list of phases, one after the other. A phase has components (a corpus, or a fixed share of one). It is
passed through epoch by epoch, each a fresh permutation of the sequences of all components together; or, where
components have other numbers of epochs, all epochs of all components are shuffled once, so that none of them is over
before the end.
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


@dataclass(frozen=True)
class Phase:
    """What is trained on together."""

    components: tuple[Component, ...]
    shuffled_once: bool = False


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
class _Draw:
    """`count` sequences of the first `share` (in the corpus's own fixed order), in an order of its own."""

    corpus: str
    share: int
    count: int
    key: str


@dataclass(frozen=True)
class _Block:
    """Draws that are shuffled together."""

    key: str
    draws: tuple[_Draw, ...]

    @property
    def size(self) -> int:
        return sum(draw.count for draw in self.draws)


class Mixture:
    """The order of all sequences of a training run."""

    def __init__(self, phases: Sequence[Phase], sizes: Mapping[str, int], seed: int) -> None:
        """`sizes` maps corpora to their numbers of sequences. Raises GrowmergeError for a component without any."""
        self.seed = seed
        self._sizes = dict(sizes)
        self._blocks: list[_Block] = []
        for number, phase in enumerate(phases):
            epochs = [
                self._epoch(phase, epoch, f"{seed}/{number}/{epoch}")
                for epoch in range(math.ceil(max(c.epochs for c in phase.components)))
            ]
            if phase.shuffled_once:
                epochs = [_Block(f"{seed}/{number}", tuple(draw for epoch in epochs for draw in epoch.draws))]
            self._blocks += epochs
        self._first = np.cumsum([0, *(block.size for block in self._blocks)])

    def _epoch(self, phase: Phase, epoch: int, key: str) -> _Block:
        draws = []
        for position, c in enumerate(phase.components):
            share = round(self._sizes[c.corpus] * c.share)
            if share == 0:
                raise GrowmergeError(
                    f"corpus '{c.corpus}': {c.share:.3g} of its {self._sizes[c.corpus]} sequences is less than one; "
                    "give it more text, a larger share, or leave it out of the mixture"
                )
            count = round(share * min(1.0, max(0.0, c.epochs - epoch)))
            if count:
                draws.append(_Draw(c.corpus, share, count, f"{key}/{position}"))
        return _Block(key, tuple(draws))

    def __len__(self) -> int:
        """Number of sequences, repetitions counted."""
        return int(self._first[-1])

    def counts(self) -> dict[str, int]:
        """Sequences drawn from each corpus, repetitions counted."""
        totals: dict[str, int] = {}
        for draw in (draw for block in self._blocks for draw in block.draws):
            totals[draw.corpus] = totals.get(draw.corpus, 0) + draw.count
        return totals

    def at(self, position: int) -> tuple[str, int]:
        """(corpus, index of the sequence in it) at a position of the run."""
        number = int(np.searchsorted(self._first, position, side="right")) - 1
        block = self._blocks[number]
        index = int(permuted(np.array([position - int(self._first[number])]), block.size, block.key)[0])
        for draw in block.draws:
            if index < draw.count:
                return draw.corpus, self._member(draw, index)
            index -= draw.count
        raise IndexError(position)

    def _member(self, draw: _Draw, index: int) -> int:
        """The sequence of its corpus that is the index-th of a draw.

        A share is a fixed sample of the corpus, the same in every epoch and for every model of the seed, and a smaller
        share is a part of a larger; an epoch that takes less than the share takes another sample of it each time.
        """
        within = int(permuted(np.array([index]), draw.share, draw.key)[0])
        return int(permuted(np.array([within]), self._sizes[draw.corpus], f"{self.seed}/{draw.corpus}")[0])
