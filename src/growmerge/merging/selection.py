"""The largest elements of a long vector, without sorting it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from growmerge.merging.blocks import Workers

SAMPLE = 2**16
BITS = {2: torch.int16, 4: torch.int32}
Values = Callable[[slice], Tensor]  # a part of the vector
Magnitudes = NDArray[np.signedinteger]


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


def largest(values: Values, size: int, count: int, workers: Workers) -> Largest:
    """The `count` elements with the largest absolute values; among equal ones the first. 1 <= count <= size.

    A sorted sample gives bounds between which the threshold is nearly certain to lie (Floyd and Rivest 1975); what lies
    between them is sorted. If the threshold is not there, everything is. A GPU looks at the whole vector at once.
    """
    if values(slice(0, 1)).device.type != "cpu":
        return largest_at_once(values(slice(0, size)), count)
    step = max(1, size // SAMPLE)
    sample = np.sort(_magnitudes(values(slice(0, size, step))))[::-1]
    place, margin = count / step, 3 * math.sqrt(len(sample))
    top = np.iinfo(sample.dtype).max
    low = sample[int(place + margin)] if place + margin < len(sample) else 0
    high = sample[int(place - margin)] if place >= margin else top
    above, between, indices = _within(values, size, low, high, workers)
    if not above < count <= above + len(between):
        above, between, indices = _within(values, size, 0, top, workers)
    threshold = np.sort(between)[::-1][count - above - 1]
    equal = count - above - np.count_nonzero(between > threshold)
    last = int(indices[between == threshold][equal - 1])
    dtype = values(slice(0, 1)).dtype
    return Largest(torch.from_numpy(np.array([threshold])).view(dtype).item(), last)


def largest_at_once(vector: Tensor, count: int) -> Largest:
    """The same of a vector in memory, on any device."""
    magnitudes = vector.abs()
    threshold = magnitudes.kthvalue(len(vector) - count + 1).values
    equal = count - int((magnitudes > threshold).sum())
    last = int((magnitudes == threshold).nonzero()[equal - 1])
    return Largest(threshold.item(), last)


def _magnitudes(values: Tensor) -> Magnitudes:
    """Integers in the order of the absolute values: the bits of the floating-point numbers without their sign."""
    bits = BITS[values.element_size()]
    magnitudes: Magnitudes = (values.view(bits) & torch.iinfo(bits).max).numpy()
    return magnitudes


def _within(
    values: Values, size: int, low: int, high: int, workers: Workers
) -> tuple[int, Magnitudes, NDArray[np.int64]]:
    """How many magnitudes are above `high`; those from `low` to `high`, and their indices."""

    def look(part: slice) -> tuple[int, Magnitudes, NDArray[np.int64]]:
        found = _magnitudes(values(part))
        places = np.flatnonzero((found >= low) & (found <= high))
        return int(np.count_nonzero(found > high)), found[places], places + part.start

    above, between, indices = zip(*workers.blocks(size, look), strict=True)
    return int(sum(above)), np.concatenate(between), np.concatenate(indices)
