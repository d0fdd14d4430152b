"""The learning rate: linear warm-up, constant, linear decay to zero (Glocker et al. 2025, section 3.2)."""

from __future__ import annotations

import math
from dataclasses import dataclass

from growmerge.config.training import Training


@dataclass(frozen=True)
class Schedule:
    """Warmup-stable-decay over `steps` optimizer steps."""

    peak: float
    steps: int
    warmup: int
    decay: int

    def learning_rate(self, step: int) -> float:
        """The learning rate of optimizer step `step`, counted from 0.

        Neither the first step of the warm-up nor the last of the decay is zero: at zero it would not train.
        """
        if step < self.warmup:
            return self.peak * (step + 1) / self.warmup
        remaining = self.steps - step
        if remaining <= self.decay:
            return self.peak * remaining / (self.decay + 1)
        return self.peak


def schedule(
    training: Training, steps: int, warmup_steps: int | None = None, decay_steps: int | None = None
) -> Schedule:
    """The schedule of a run of `steps`: shares of it, rounded up to multiples, unless the steps are given.

    For very short runs the shortest warm-up is at most a tenth of the steps.
    """
    if warmup_steps is None:
        shortest = min(training.warmup_min_steps, math.ceil(steps / 10))
        warmup_steps = max(_round_up(training.warmup_share * steps, training.warmup_multiple), shortest)
    if decay_steps is None:
        decay_steps = _round_up(training.decay_share * steps, training.decay_multiple)
    warmup = min(warmup_steps, steps)
    return Schedule(training.learning_rate, steps, warmup, min(decay_steps, steps - warmup))


def _round_up(steps: float, multiple: int) -> int:
    """To a whole number of steps, then up to a multiple: what reproduces the published files."""
    return math.ceil(round(steps) / multiple) * multiple
