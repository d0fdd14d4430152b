"""The learning rate: linear warm-up, constant, linear decay to zero (Glocker et al. 2025, section 3.2)."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Schedule:
    """Warmup-stable-decay over `steps` optimizer steps."""

    peak: float
    steps: int
    warmup: int
    decay: int

    def learning_rate(self, step: int) -> float:
        """Of optimizer step `step`, counted from 0. The first step of the warm-up is not zero, the last of the decay
        is not either: neither would train."""
        if step < self.warmup:
            return self.peak * (step + 1) / self.warmup
        remaining = self.steps - step
        if remaining <= self.decay:
            return self.peak * remaining / (self.decay + 1)
        return self.peak


def schedule(peak: float, steps: int, warmup_share: float, warmup_min_steps: int, decay_share: float) -> Schedule:
    """The paper's proportions; for very short runs the shortest warm-up is at most a tenth of the steps."""
    warmup = max(round(warmup_share * steps), min(warmup_min_steps, math.ceil(steps / 10)))
    return Schedule(peak, steps, min(warmup, steps), min(round(decay_share * steps), steps - warmup))
