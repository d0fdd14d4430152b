"""Other ways to compute the head and its cross-entropy in training: torch's own in chunks, and liger-kernel's."""

from __future__ import annotations

from importlib.util import find_spec

import torch

from growmerge.models.logits import rows_at_a_time
from growmerge.training.gradient import Gradient

try:
    from torch.nn import LinearCrossEntropyOptions
    from torch.nn.functional import linear_cross_entropy
except ImportError:  # torch before 2.13, as a machine with a GPU may have
    TORCH = False
else:
    TORCH = True  # whether TorchGradient runs here
LIGER = find_spec("liger_kernel") is not None and torch.cuda.is_available()  # whether LigerGradient runs here


class TorchGradient(Gradient):
    """torch's `linear_cross_entropy` (new in torch 2.13), in chunks of as many rows as ours.

    Autocast does not reach it, so the weight is cast here: once for all chunks, where ours casts it for each.
    """

    chosen_by_torch = False  # the rows of a chunk

    def _add_head(self, states: torch.Tensor, targets: torch.Tensor, denominator: int) -> torch.Tensor:
        rows = None if self.chosen_by_torch else rows_at_a_time(self.model.config.vocab_size, states.device.type)
        options, weight = LinearCrossEntropyOptions(batch_chunk_size=rows), self.model.lm_head.weight
        if self._bf16:
            states, weight = states.bfloat16(), weight.bfloat16()
        loss = linear_cross_entropy(states, weight, targets, reduction="sum", options=options) / denominator
        loss.backward()
        return loss.detach()


class TorchsChoice(TorchGradient):
    """The same in chunks of as many rows as torch chooses."""

    chosen_by_torch = True


class LigerGradient(Gradient):
    """liger-kernel's, which computes the gradient in the forward pass, chunk by chunk."""

    # Times its default budget of logits, tokens x hidden: 4096 rows at a time for the shapes of the paper, as ours.
    # (The default, 256 rows, casts and reads the whole head for each.)
    BUDGET = 16

    def _add_head(self, states: torch.Tensor, targets: torch.Tensor, denominator: int) -> torch.Tensor:
        from liger_kernel.ops import LigerFusedLinearCrossEntropyFunction as Fused

        no_bias = no_weights = no_softcap = None
        switches = (False, None, False, False, False, None, None)  # z-loss, accumulation, scaling, outputs, backend
        with torch.autocast(states.device.type, torch.bfloat16, enabled=self._bf16):
            summed, *_ = Fused.apply(
                states, self.model.lm_head.weight, targets, no_bias, no_weights, -100, 0.0, 0.0, "sum", no_softcap,
                *switches, self.BUDGET,
            )  # fmt: skip
        loss = summed / denominator
        loss.backward()
        return loss.detach()


class WholeGradient(Gradient):
    """All logits at once, as anyone would write it."""

    def _add_head(self, states: torch.Tensor, targets: torch.Tensor, denominator: int) -> torch.Tensor:
        with torch.autocast(states.device.type, torch.bfloat16, enabled=self._bf16):
            loss = self._loss(self.model.lm_head, states, targets) / denominator
        loss.backward()
        return loss.detach()
