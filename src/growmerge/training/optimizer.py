"""AdamW or Muon, and the final norm of a HyperCloned model, into which the division of its logits is folded."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import torch
from torch import Tensor
from transformers import LlamaForCausalLM

from growmerge.config.training import Training


class Optimizers:
    """Optimizers of different parameters, used as one.

    `state` maps each parameter to its optimizer's tensors by name; `param_groups` are those of all.
    """

    def __init__(self, *optimizers: torch.optim.Optimizer) -> None:
        self._optimizers = optimizers
        self.param_groups: list[dict[str, Any]] = [group for one in optimizers for group in one.param_groups]
        self.state: dict[Tensor, dict[str, Tensor]] = defaultdict(dict)
        for one in optimizers:
            one.state = self.state

    def step(self) -> None:
        """Update all parameters."""
        for one in self._optimizers:
            one.step()

    def zero_grad(self) -> None:
        """Drop all gradients."""
        for one in self._optimizers:
            one.zero_grad(set_to_none=True)


def fold_of(model: LlamaForCausalLM, width: int) -> int:
    """What HyperCloning by `width` has divided the final norm's weight by: 1 if head and embedding are untied."""
    return width if model.config.tie_word_embeddings else 1


def unfold_gradient(model: LlamaForCausalLM, width: int) -> None:
    """Give the final norm the gradient that it had if the logits were divided at run time, for clipping and Adam."""
    grad = model.model.norm.weight.grad
    assert grad is not None
    grad /= fold_of(model, width)


def make_optimizer(model: LlamaForCausalLM, training: Training, width: int) -> Optimizers:
    """Fused AdamW, or Muon for the matrices of the layers and AdamW for the rest; weight decay on every parameter.

    HyperCloning folds 1/width into the final norm's weight of a tied model. That weight's learning rate is divided by
    the same number (and its decay multiplied), as its gradient is before clipping: training moves exactly as if the
    logits were divided at run time (Glocker et al. 2025, section 3.2).

    With `training.layer_scale`, AdamW's rate of the layers' matrices is that share of the others', divided by the
    width: AdamW moves each weight by about its rate, and the more inputs a matrix has, the more its output then moves
    (maximal update parametrisation, Yang et al. 2022, arXiv:2203.03466). The embedding sums over no inputs.

    Muon is torch's, with the settings of its author (Jordan 2024, https://kellerjordan.github.io/posts/muon): momentum
    0.95 of Nesterov's kind, five steps of Newton-Schulz, a rate for each matrix that grows with the root of rows over
    columns, and AdamW for embedding, head and norms.
    """
    fold = fold_of(model, width)
    final_norm = model.model.norm.weight
    matrices = [parameter for parameter in model.model.layers.parameters() if parameter.ndim == 2]
    by_muon = matrices if training.optimizer == "muon" else []
    scaled = matrices if training.layer_scale is not None else []
    others = {final_norm, *by_muon, *scaled}
    rest = [parameter for parameter in model.parameters() if parameter not in others]
    groups = [
        {"params": rest, "scale": 1.0, "weight_decay": training.weight_decay},
        {"params": [final_norm], "scale": 1.0 / fold, "weight_decay": training.weight_decay * fold},
    ]
    if training.layer_scale is not None:
        scale = training.layer_scale / width
        groups.append({"params": scaled, "scale": scale, "weight_decay": training.weight_decay})
    betas = (training.beta1, training.beta2)
    adamw = torch.optim.AdamW(groups, lr=training.learning_rate, betas=betas, eps=training.eps, fused=True)
    if not by_muon:
        return Optimizers(adamw)
    of_muon = {"params": by_muon, "scale": training.muon_learning_rate / training.learning_rate}
    return Optimizers(
        adamw, torch.optim.Muon([of_muon], lr=training.muon_learning_rate, weight_decay=training.weight_decay)
    )


def set_learning_rate(optimizer: Optimizers, rate: float) -> None:
    """Set the learning rate of the next step in all groups, each with its scale."""
    for group in optimizer.param_groups:
        group["lr"] = rate * group["scale"]
