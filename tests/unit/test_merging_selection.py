"""The largest elements are those that a stable sort finds, whatever the vector looks like."""

import pytest
import torch

from growmerge.merging.blocks import BLOCK, workers
from growmerge.merging.selection import SAMPLE, largest, largest_at_once

SIZE = 3 * BLOCK + 77


def vector(kind):
    generator = torch.Generator().manual_seed(0)
    normal = torch.randn(SIZE, generator=generator)
    if kind == "few values":
        return (normal * 2).round()
    if kind == "zeros":
        return torch.zeros(SIZE)
    if kind == "hidden from the sample":  # which sees only the small ones
        normal *= 1000
        normal[:: max(1, SIZE // SAMPLE)] = 0.001
    if kind == "sorted":
        return normal.sort().values
    return normal


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
@pytest.mark.parametrize("kind", ["normal", "few values", "zeros", "hidden from the sample", "sorted"])
def test_the_chosen_are_the_first_of_a_stable_sort(kind, dtype):
    values = vector(kind).to(dtype)
    order = torch.argsort(values.abs().float(), descending=True, stable=True)
    with workers() as crew:
        for count in (1, SIZE // 10, SIZE // 2, SIZE - 1, SIZE):
            chosen = largest(lambda part: values[part], SIZE, count, crew)
            masks = crew.blocks(SIZE, lambda part, chosen=chosen: chosen.mask(values[part], part))
            expected = torch.zeros(SIZE, dtype=dtype)
            expected[order[:count]] = 1
            assert torch.equal(torch.cat(masks), expected), count
            assert largest_at_once(values, count) == chosen, "as a GPU finds them"


def test_a_vector_of_one_element_is_its_own_largest():
    values = torch.tensor([-2.0])
    with workers() as crew:
        assert largest(lambda part: values[part], 1, 1, crew).mask(values, slice(0, 1)).tolist() == [1.0]
