"""AdamW, and the final norm of a HyperCloned model, into which the division of its logits is folded."""

from __future__ import annotations

import torch
from transformers import LlamaForCausalLM

from growmerge.config.training import Training


def fold_of(model: LlamaForCausalLM, width: int) -> int:
    """What HyperCloning by `width` has divided the final norm's weight by: 1 if head and embedding are untied."""
    return width if model.config.tie_word_embeddings else 1


def unfold_gradient(model: LlamaForCausalLM, width: int) -> None:
    """Give the final norm the gradient that it had if the logits were divided at run time, for clipping and Adam."""
    grad = model.model.norm.weight.grad
    assert grad is not None
    grad /= fold_of(model, width)


def make_optimizer(model: LlamaForCausalLM, training: Training, width: int) -> torch.optim.AdamW:
    """Fused AdamW; weight decay on every parameter, as in the published runs.

    HyperCloning folds 1/width into the final norm's weight of a tied model. That weight's learning rate is divided by
    the same number (and its decay multiplied), as its gradient is before clipping: training moves exactly as if the
    logits were divided at run time (Glocker et al. 2025, section 3.2).
    """
    fold = fold_of(model, width)
    final_norm = model.model.norm.weight
    rest = [parameter for parameter in model.parameters() if parameter is not final_norm]
    groups = [
        {"params": rest, "scale": 1.0, "weight_decay": training.weight_decay},
        {"params": [final_norm], "scale": 1.0 / fold, "weight_decay": training.weight_decay * fold},
    ]
    betas = (training.beta1, training.beta2)
    return torch.optim.AdamW(groups, lr=training.learning_rate, betas=betas, eps=training.eps, fused=True)


def set_learning_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Set the learning rate of the next step in all groups, each with its scale."""
    for group in optimizer.param_groups:
        group["lr"] = rate * group["scale"]
