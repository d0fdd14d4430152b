"""Mixtures: which sequence is trained on at which step, as a pure function of the seed and the position.

Every block (growmerge.study.phases) is a fresh permutation of its sequences.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence

import numpy as np

from growmerge.study.phases import Block, Draw, Phase, blocks_of, part_of

ROUNDS = 6
AT_ONCE = 2**20  # sequences whose corpora are counted at a time


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


class Mixture:
    """The order of all sequences of a training run, in steps of `batch` sequences.

    A block that is no multiple of a batch is filled up with its first sequences. With `part` (number, count), the run
    is that part of the steps, and positions are counted from its beginning.
    """

    def __init__(
        self,
        phases: Sequence[Phase],
        sizes: Mapping[str, int],
        seed: int,
        batch: int,
        part: tuple[int, int] | None = None,
    ) -> None:
        """`sizes` maps corpora to their numbers of sequences. Raises GrowmergeError for a component without any."""
        self.seed = seed
        self._sizes = dict(sizes)
        self._blocks = blocks_of(phases, sizes)
        self._first = np.cumsum([0, *(block.steps(batch) * batch for block in self._blocks)])
        steps = part_of(int(self._first[-1]) // batch, part)
        self.steps = len(steps)
        self._run = range(steps.start * batch, steps.stop * batch)  # its positions among those of all parts

    def counts(self) -> dict[str, int]:
        """Sequences drawn from each corpus, epochs counted, without those that fill up the last step of a block."""
        totals: dict[str, int] = {}
        for block, first in zip(self._blocks, self._first.tolist(), strict=False):
            start, stop = max(self._run.start - first, 0), min(self._run.stop - first, block.size)
            drawn = (
                [draw.count for draw in block.draws] if stop - start == block.size else self._drawn(block, start, stop)
            )
            for draw, count in zip(block.draws, drawn, strict=True):
                if count:
                    totals[draw.corpus] = totals.get(draw.corpus, 0) + count
        return totals

    def _drawn(self, block: Block, start: int, stop: int) -> list[int]:
        """How many of the sequences from `start` up to `stop` of a block are of each of its draws."""
        ends = np.cumsum([draw.count for draw in block.draws])
        drawn = np.zeros(len(ends), dtype=np.int64)
        for first in range(start, stop, AT_ONCE):
            index = permuted(np.arange(first, min(first + AT_ONCE, stop)), block.size, f"{self.seed}/{block.key}")
            drawn += np.bincount(np.searchsorted(ends, index, side="right"), minlength=len(ends))
        return drawn.tolist()

    def at(self, position: int) -> tuple[str, int]:
        """(corpus, index of the sequence in it) at a position of the run."""
        return self.span(position, position + 1)[0]

    def span(self, start: int, stop: int) -> list[tuple[str, int]]:
        """The same for all positions from `start` up to `stop`: as arrays, some hundred times as fast as one by one.

        Raises IndexError if `stop` is beyond the end of the run.
        """
        found: list[tuple[str, int]] = []
        if stop > len(self._run):
            raise IndexError(stop - 1)
        start, stop = start + self._run.start, stop + self._run.start
        while start < stop:
            number = int(np.searchsorted(self._first, start, side="right")) - 1
            first, end = int(self._first[number]), min(stop, int(self._first[number + 1]))
            found += self._of_block(self._blocks[number], np.arange(start - first, end - first))
            start = end
        return found

    def _of_block(self, block: Block, within: np.ndarray) -> list[tuple[str, int]]:
        index = permuted(within % block.size, block.size, f"{self.seed}/{block.key}")
        found: list[tuple[str, int]] = [("", 0)] * len(index)
        first = 0
        for draw in block.draws:
            chosen = np.flatnonzero((index >= first) & (index < first + draw.count))
            for place, member in zip(chosen.tolist(), self._members(draw, index[chosen] - first), strict=True):
                found[place] = draw.corpus, member
            first += draw.count
        return found

    def _members(self, draw: Draw, index: np.ndarray) -> list[int]:
        """The sequences of its corpus that are those of `index` of a draw.

        A share is a fixed sample of the corpus, the same in every epoch and for every model of the seed, and a smaller
        share is a part of a larger; an epoch that takes less than the share takes another sample of it each time.
        """
        within = permuted(index, draw.share, f"{self.seed}/{draw.key}")
        return permuted(within, self._sizes[draw.corpus], f"{self.seed}/{draw.corpus}").tolist()
