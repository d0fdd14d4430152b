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
    """Which elements are the largest: those with a magnitude above `bits`, and of the equal ones those up to `last`.

    `bits` are those of a floating-point number without its sign.
    """

    bits: int
    last: int


NONE = Largest(2**31 - 1, -1)  # above all


def mask(chosen: Sequence[Largest], rows: Tensor, part: slice) -> Tensor:
    """In float32, 1 where an element of a part of each vector is among its largest, else 0.

    Integers in the dtype of what they are compared with: that is faster than floating-point numbers, and than bool.
    """
    magnitudes = _magnitudes(rows)
    most = torch.iinfo(magnitudes.dtype).max
    bounds = [min(one.bits, most) - (one.last >= part.stop - 1) for one in chosen]
    above = torch.gt(magnitudes, _column(bounds, magnitudes), out=torch.empty_like(magnitudes))
    for one, row, found in zip(chosen, magnitudes, above, strict=True):
        if part.start <= one.last < part.stop - 1:
            equal = slice(0, one.last + 1 - part.start)
            torch.ge(row[equal], one.bits, out=found[equal])
    return above.float()


def largest(rows: Rows, size: int, counts: Sequence[int], workers: Workers) -> list[Largest]:
    """Select from each vector its `counts` elements with the largest absolute values; among equal ones the first.

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
    parts = workers.cut(size)
    equal = torch.tensor(
        workers.map(lambda part: _equal(rows(part), prefixes).sum(1, dtype=torch.int32).tolist(), parts)
    )
    chosen = []
    for i, bits in enumerate(prefixes):
        before = equal[:, i].cumsum(0)
        block = int(torch.searchsorted(before, left[i]))
        places = _equal(rows(parts[block])[i : i + 1], [bits]).squeeze(0).nonzero().squeeze(1)
        last = parts[block].start + int(places[left[i] - int(before[block]) - 1])
        chosen.append(Largest(bits, last))
    return chosen


def _histograms(rows: Rows, size: int, known: int, prefixes: Sequence[int], workers: Workers) -> list[Tensor]:
    """Count for each vector the next digits of the magnitudes whose first `known` bits are its prefix."""
    totals: dict[int, Tensor] = {}
    lock = Lock()

    def count(part: slice) -> None:
        vectors = _magnitudes(rows(part))
        shift = 8 * vectors.element_size() - DIGIT - known
        for i, magnitudes in enumerate(vectors):
            digits = magnitudes >> shift if shift else magnitudes
            if known:
                digits = digits[magnitudes >> shift + DIGIT == prefixes[i]] & 2**DIGIT - 1
            found = torch.bincount(digits, minlength=2**DIGIT if known else 2 ** (DIGIT - 1))  # no sign bit
            with lock:
                totals[i] = totals[i].add_(found) if i in totals else found

    workers.blocks(size, count)
    return [totals[i] for i in range(len(prefixes))]


def _magnitudes(rows: Tensor) -> Tensor:
    """The bits of numbers without their sign."""
    kind = BITS[rows.element_size()]
    return rows.view(kind) & torch.iinfo(kind).max


def _equal(rows: Tensor, bits: Sequence[int]) -> Tensor:
    """1 where the magnitude of an element has the bits of its row, else 0."""
    magnitudes = _magnitudes(rows)
    return torch.eq(magnitudes, _column(bits, magnitudes), out=torch.empty_like(magnitudes))


def _column(numbers: Sequence[int], like: Tensor) -> Tensor:
    return torch.tensor(numbers, dtype=like.dtype, device=like.device).unsqueeze(1)
