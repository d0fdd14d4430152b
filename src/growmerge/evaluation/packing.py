"""Pack token sequences into rows in which a prefix that several sequences share is stored once.

Sorted sequences form a prefix tree: each adds to the one before it what follows their common beginning. A row holds
a part of this tree, sequence after sequence, without the repeated tokens. If every token keeps the position that it has
in its sequence, and sees the tokens before it in its sequence alone, a causal model computes for it what it would
compute in the sequence by itself ("tree attention": Cai et al. 2024, arXiv 2401.10774).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

Tokens = tuple[int, ...]


@dataclass
class Row:
    """Sequences that share slots, a token a slot.

    `tokens` are those of the slots. For each sequence, by its number, `paths` holds the slots that its tokens stand in,
    shape (its length,), and `shared` how many of these, from the beginning, it took over. A row `branches` if some slot
    does not see all the slots before it: one that does not needs no mask, and any causal model reads it rightly.
    """

    tokens: list[int] = field(default_factory=list)
    paths: dict[int, NDArray[np.int64]] = field(default_factory=dict)
    shared: dict[int, int] = field(default_factory=dict)
    branches: bool = False

    def __len__(self) -> int:
        return len(self.tokens)

    def add(self, number: int, sequence: Tokens, shared: int) -> None:
        """Append a sequence that reuses the first `shared` slots of the previous sequence."""
        new = np.arange(len(self.tokens), len(self.tokens) + len(sequence) - shared)
        before = next(reversed(self.paths.values()))[:shared] if shared else new[:0]
        self.paths[number] = np.concatenate([before, new])
        self.shared[number] = shared
        self.branches |= shared < len(self.tokens)
        self.tokens += sequence[shared:]


def pack(sequences: Sequence[Tokens], widest: int, balance: int) -> list[Row]:
    """Pack `sequences`, sorted, none of them empty, into rows of at most `widest` slots (or one sequence).

    The cost of a slot is that of attention to `balance` slots, plus that of attention to all slots of its row. A
    sequence joins the row of the one before it if that is cheaper than a row of its own, and always if it begins with
    the whole row: such rows, which do not branch, are the only ones with several sequences if `widest` is 0.
    """
    rows: list[Row] = []
    previous: Tokens = ()
    for number, sequence in enumerate(sequences):
        shared = common_length(previous, sequence)
        width = len(rows[-1]) if rows else 0
        wider = width + len(sequence) - shared
        together = wider * (balance + wider)
        apart = width * (balance + width) + len(sequence) * (balance + len(sequence))
        if shared and (shared == width or (wider <= widest and together <= apart)):
            rows[-1].add(number, sequence, shared)
        else:
            rows.append(Row())
            rows[-1].add(number, sequence, 0)
        previous = sequence
    return rows


def batches(rows: Sequence[Row], slots: int) -> Iterator[Sequence[Row]]:
    """Cut `rows`, widest first, into batches of at most `slots`, padding included, but at least one row.

    Rows that do not branch, which need no mask, have batches of their own.
    """
    ordered = sorted(rows, key=lambda row: (not row.branches, -len(row)))
    for _, alike in groupby(ordered, key=lambda row: row.branches):
        kind = list(alike)
        while kind:
            count = max(1, slots // len(kind[0]))
            yield kind[:count]
            kind = kind[count:]


def visibility(rows: Sequence[Row], width: int) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Position of each slot, (rows, width), and whether it (second axis) sees another, (rows, width, width).

    The padding of rows that are narrower than `width` sees nothing.
    """
    positions = np.zeros((len(rows), width), dtype=np.int64)
    sees = np.zeros((len(rows), width, width), dtype=bool)
    counting, before = np.arange(width), np.tri(width, dtype=bool)
    for number, row in enumerate(rows):
        start = 0
        for path, shared in zip(row.paths.values(), row.shared.values(), strict=True):
            length = len(path) - shared
            new = slice(start, start + length)
            positions[number, new] = counting[shared : len(path)]
            sees[number, new, path[:shared]] = True
            sees[number, new, new] = before[:length, :length]
            start = new.stop
    return positions, sees


def common_length(one: Tokens, other: Tokens) -> int:
    """How many tokens both begin with: by halves, since slices compare faster than a loop."""
    equal, different = 0, min(len(one), len(other)) + 1
    while different - equal > 1:
        middle = (equal + different) // 2
        if one[equal:middle] == other[equal:middle]:
            equal = middle
        else:
            different = middle
    return equal
