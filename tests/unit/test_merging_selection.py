"""The largest elements are those that a stable sort finds, whatever the vector looks like."""

import pytest
import torch

from growmerge.merging.blocks import BLOCK, workers
from growmerge.merging.selection import NONE, largest, mask

SIZE = 3 * BLOCK + 77


def vector(kind):
    generator = torch.Generator().manual_seed(0)
    normal = torch.randn(SIZE, generator=generator)
    if kind == "few values":
        return (normal * 2).round()
    if kind == "zeros":
        return torch.zeros(SIZE)
    if kind == "near each other":  # in float32 they share their highest 16 bits
        return 1 + (normal * 1e-4).abs()
    if kind == "subnormal":  # in float16
        return normal * 1e-6
    if kind == "negative":
        return -normal.abs()
    if kind == "sorted":
        return normal.sort().values
    return normal


KINDS = ["normal", "few values", "zeros", "near each other", "subnormal", "negative", "sorted"]


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_the_chosen_are_the_first_of_a_stable_sort(dtype):
    rows = torch.stack([vector(kind) for kind in KINDS]).to(dtype)
    with workers() as crew:
        for count in (1, SIZE // 10, SIZE // 2, SIZE - 1, SIZE):
            chosen = largest(lambda part: rows[:, part], SIZE, [count] * len(KINDS), crew)
            masks = torch.cat(crew.blocks(SIZE, lambda part, found=chosen: mask(found, rows[:, part], part)), dim=1)
            for kind, row, found in zip(KINDS, rows, masks, strict=True):
                order = torch.argsort(row.abs().float(), descending=True, stable=True)
                expected = torch.zeros(SIZE)
                expected[order[:count]] = 1
                assert torch.equal(found, expected), (kind, count)


def test_each_vector_has_a_count_of_its_own():
    rows = torch.stack([vector("normal"), vector("negative")])
    with workers() as crew:
        together = largest(lambda part: rows[:, part], SIZE, [3, SIZE // 2], crew)
        alone = [largest(lambda part, i=i: rows[i : i + 1, part], SIZE, [n], crew) for i, n in ((0, 3), (1, SIZE // 2))]
    assert together == [chosen for (chosen,) in alone]


def test_a_vector_of_one_element_is_its_own_largest():
    rows = torch.tensor([[-2.0]])
    with workers() as crew:
        chosen = largest(lambda part: rows[:, part], 1, [1], crew)
    assert mask(chosen, rows, slice(0, 1)).tolist() == [[1.0]]


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32])
def test_of_none_nothing_is_kept_not_even_the_infinite(dtype):
    rows = torch.tensor([[-2.0, torch.inf, 0.0]], dtype=dtype)
    assert mask([NONE], rows, slice(0, 3)).tolist() == [[0.0, 0.0, 0.0]]
