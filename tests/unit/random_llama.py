"""Small models whose logits and norms are far from those of an initialisation."""

from typing import Any

import torch
from transformers import LlamaConfig, LlamaForCausalLM

SHAPE = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 64,
}


def random_llama(seed: int, spread: float, **config: Any) -> LlamaForCausalLM:
    """A Llama with weights drawn around 0 (norms: around 1) with that spread, whatever it is tied to."""
    model = LlamaForCausalLM(LlamaConfig(**SHAPE | config)).eval()
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * spread + (parameter.ndim == 1))
    return model
