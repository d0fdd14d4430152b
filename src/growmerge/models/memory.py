"""Recognise an out-of-memory error, so that a smaller batch can be tried."""

from __future__ import annotations

import torch


def is_out_of_memory(error: BaseException) -> bool:
    """Whether a device, or the machine, had no memory left. On a CPU torch raises a plain RuntimeError."""
    text = str(error)
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or (
        isinstance(error, RuntimeError) and ("can't allocate memory" in text or "out of memory" in text)
    )
