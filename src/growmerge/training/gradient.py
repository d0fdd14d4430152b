"""The gradient of a micro-batch: layers under autocast, head and cross-entropy in chunks."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import nn
from transformers import LlamaForCausalLM

from growmerge.models.logits import rows_at_a_time


class Gradient:
    """Accumulates gradients of the summed cross-entropy in a model's parameters."""

    def __init__(self, model: LlamaForCausalLM, precision: str, compiled: bool = False) -> None:
        """`precision`: bf16 (autocast over fp32 weights) or fp32. `compiled`: by torch.compile, on first use.

        Each layer is compiled on its own, once for all of them. Compiled as a whole, transformers' model would make
        the attention mask a tensor (with torch before 2.14, see its masking_utils), and flash attention takes none.
        """
        self.model = model
        self._bf16 = precision == "bf16"
        self._loss = torch.compile(_summed_loss, dynamic=False) if compiled else _summed_loss
        if compiled:
            for layer in model.model.layers:
                layer.compile(dynamic=False)

    def add(self, batch: torch.Tensor, denominator: int) -> torch.Tensor:
        """Add the gradient of `batch` [sequences, length + 1], int64; returns its loss, detached.

        The loss is the cross-entropy of all its tokens in nats, summed, over `denominator`: the tokens of the whole
        step, so that micro-batches and ranks need no weights. Every chunk of the head has its backward pass at once:
        logits never stand in memory for a whole batch, and on a CPU they stay in its cache.
        """
        device = batch.device.type
        with torch.autocast(device, torch.bfloat16, enabled=self._bf16):
            hidden = self.model.model(input_ids=batch[:, :-1], use_cache=False).last_hidden_state.flatten(0, 1)
        leaf = hidden.detach().requires_grad_()
        total = self._add_head(leaf, batch[:, 1:].flatten(), denominator)
        hidden.backward(leaf.grad)
        return total

    def _add_head(self, states: torch.Tensor, targets: torch.Tensor, denominator: int) -> torch.Tensor:
        """The same from the last hidden states [tokens, hidden], in which it leaves their gradient."""
        device = states.device.type
        chunks = math.ceil(len(states) / rows_at_a_time(self.model.config.vocab_size, device))
        total = torch.zeros((), device=states.device)
        for some, their_targets in zip(states.chunk(chunks), targets.chunk(chunks), strict=True):
            with torch.autocast(device, torch.bfloat16, enabled=self._bf16):
                loss = self._loss(self.model.lm_head, some, their_targets) / denominator
            loss.backward()
            total += loss.detach()
        return total


def _summed_loss(head: nn.Module, states: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    return F.cross_entropy(head(states).float(), targets, reduction="sum")


def is_compilation_failure(error: BaseException) -> bool:
    """Whether torch.compile, not the model, has failed."""
    return type(error).__module__.startswith(("torch._dynamo", "torch._inductor"))
