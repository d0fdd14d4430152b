"""Which sequences a loss or gradient that is not finite comes from."""

from __future__ import annotations

import torch

from growmerge.training.gradient import Gradient


def where_not_finite(gradient: Gradient, batch: torch.Tensor, micro_batch: int, denominator: int) -> range | None:
    """The first micro-batch of a rank's `batch` whose loss or gradient is not finite; None if there is none.

    Computes the gradients again, of each micro-batch on its own: only done when training stops.
    """
    for start in range(0, len(batch), micro_batch):
        gradient.model.zero_grad(set_to_none=True)
        stop = min(start + micro_batch, len(batch))
        loss = gradient.add(batch[start:stop], denominator)
        gradients = [p.grad for p in gradient.model.parameters() if p.grad is not None]
        if not all(torch.isfinite(tensor).all() for tensor in [loss, *gradients]):
            return range(start, stop)
    return None
