"""The largest elements of long vectors, without sorting or holding them: radix selection."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Lock

import torch
from torch import Tensor

from growmerge.merging.blocks import Workers

BITS = {2: torch.int16, 4: torch.int32}
DIGIT = 16  # bits
Rows = Callable[[slice], Tensor]  # a part of several vectors, one a row


@dataclass(frozen=True)
class Largest:
    """Which elements are the largest: those above `threshold`, and of those equal to it the ones up to index `last`."""

    threshold: float
    last: int

    def mask(self, values: Tensor, part: slice) -> Tensor:
        """1 where an element of `part` is among them, else 0: in the dtype of `values`, which is faster than bool."""
        magnitude = values.abs()
        equal = min(max(self.last + 1 - part.start, 0), len(values))
        mask = torch.empty_like(values)
        torch.ge(magnitude[:equal], self.threshold, out=mask[:equal])
        torch.gt(magnitude[equal:], self.threshold, out=mask[equal:])
        return mask


def largest(rows: Rows, size: int, counts: Sequence[int], workers: Workers) -> list[Largest]:
    """Of each of several vectors, `counts` elements with the largest absolute values; among equal ones the first.

    1 <= count <= size. The bits of floating-point numbers without their
    sign are integers in the order of the absolute values. The highest 15 bits of the threshold are found by counting
    how often each pattern occurs, which is all of them for 16-bit numbers; of 32-bit numbers, the others among those
    that share these. The last pass counts the equal ones in each block, to find the block in which the last one is.
    """
    dtype = rows(slice(0, 1)).dtype
    prefixes, left = [0] * len(counts), list(counts)
    for known in range(0, 8 * dtype.itemsize, DIGIT):
        for i, found in enumerate(_histograms(rows, size, known, prefixes, workers)):
            above = found.flip(0).cumsum(0)  # of each digit, from the highest: how many elements have it or a higher
            place = int(torch.searchsorted(above, left[i]))
            prefixes[i] = (prefixes[i] << DIGIT) + len(found) - 1 - place
            left[i] -= int(above[place - 1]) if place else 0
    thresholds = [torch.tensor([p], dtype=BITS[dtype.itemsize]).view(dtype).item() for p in prefixes]
    parts = workers.cut(size)
    equal = torch.tensor(workers.map(lambda part: [int(x.sum()) for x in _equal(rows(part), thresholds)], parts))
    chosen = []
    for i, threshold in enumerate(thresholds):
        before = equal[:, i].cumsum(0)
        block = int(torch.searchsorted(before, left[i]))
        places = _equal(rows(parts[block]), thresholds)[i].nonzero().squeeze(1)
        last = parts[block].start + int(places[left[i] - int(before[block]) - 1])
        chosen.append(Largest(threshold, last))
    return chosen


def _histograms(rows: Rows, size: int, known: int, prefixes: Sequence[int], workers: Workers) -> list[Tensor]:
    """Of each vector, how often each next digit occurs in the magnitudes whose first `known` bits are its prefix."""
    totals: dict[int, Tensor] = {}
    lock = Lock()

    def count(part: slice) -> None:
        values = rows(part)
        kind = BITS[values.element_size()]
        shift = 8 * kind.itemsize - DIGIT - known
        for i, magnitudes in enumerate(values.view(kind) & torch.iinfo(kind).max):
            digits = magnitudes >> shift if shift else magnitudes
            if known:
                digits = digits[magnitudes >> shift + DIGIT == prefixes[i]] & 2**DIGIT - 1
            found = torch.bincount(digits, minlength=2**DIGIT if known else 2 ** (DIGIT - 1))  # no sign bit
            with lock:
                totals[i] = totals[i].add_(found) if i in totals else found

    workers.blocks(size, count)
    return [totals[i] for i in range(len(prefixes))]


def _equal(rows: Tensor, thresholds: Sequence[float]) -> list[Tensor]:
    """1 where the absolute value of an element of a row is that row's threshold, else 0."""
    pairs = zip(rows.abs(), thresholds, strict=True)
    return [torch.eq(row, threshold, out=torch.empty_like(row)).float() for row, threshold in pairs]
