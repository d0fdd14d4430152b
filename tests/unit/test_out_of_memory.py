"""Training and scoring take the same errors for a lack of memory: both go on with less at a time."""

import pytest
import torch

from growmerge.models.memory import is_out_of_memory


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        torch.OutOfMemoryError("Tried to allocate 2.00 GiB"),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes"),
        RuntimeError("CUDA error: out of memory"),
    ],
    ids=["Python", "torch", "CPU", "CUDA"],
)
def test_too_little_memory_is_recognised(error):
    assert is_out_of_memory(error)


@pytest.mark.parametrize("error", [ValueError("out of memory"), RuntimeError("mat1 and mat2 cannot be multiplied")])
def test_other_errors_are_not(error):
    assert not is_out_of_memory(error)
