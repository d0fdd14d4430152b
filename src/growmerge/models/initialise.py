"""A Llama with random weights: the one initialisation that every model of a study goes back to."""

from __future__ import annotations

import logging
import math
from pathlib import Path

import torch
from transformers import LlamaConfig, LlamaForCausalLM

from growmerge.artifacts import publish, verify
from growmerge.config.models import Architecture
from growmerge.data.tokenizer import load_tokenizer
from growmerge.models.checkpoints import parameter_count, save_checkpoint

logger = logging.getLogger(__name__)


def llama_config(a: Architecture, vocab_size: int, begin_id: int, end_id: int) -> LlamaConfig:
    """transformers' configuration of shape `a`."""
    return LlamaConfig(
        vocab_size=vocab_size,
        hidden_size=a.hidden_size,
        intermediate_size=a.intermediate_size,
        num_hidden_layers=a.num_hidden_layers,
        num_attention_heads=a.num_attention_heads,
        num_key_value_heads=a.num_key_value_heads,
        head_dim=a.head_dim,
        hidden_act=a.hidden_act,
        rms_norm_eps=a.rms_norm_eps,
        rope_parameters={"rope_type": "default", "rope_theta": a.rope_theta},
        max_position_embeddings=a.max_position_embeddings,
        initializer_range=a.initializer_range,
        tie_word_embeddings=a.tie_word_embeddings,
        bos_token_id=begin_id,
        eos_token_id=end_id,
        pad_token_id=None,
    )


def publish_initialisation(
    folder: Path, tokenizer: Path, architecture: Architecture, vocab_size: int, seed: int
) -> None:
    """Publish a model of random weights, with the `tokenizer` (a folder), as `folder`.

    Raises GrowmergeError for a tokenizer that is damaged, or names no token that begins or ends a text.
    """
    verify(tokenizer)
    _, begin_id, end_id = load_tokenizer(tokenizer)
    model = initialise(llama_config(architecture, vocab_size, begin_id, end_id), seed)
    if architecture.residual_init == "scaled":
        scale_residual_projections(model)
    config = {"architecture": architecture.model_dump(mode="json"), "vocab_size": vocab_size, "seed": seed}
    with publish(folder, inputs=[tokenizer], config=config) as draft:
        save_checkpoint(model, draft.folder, tokenizer)
        draft.facts["parameters"] = parameter_count(model)
        logger.info("%s parameters", f"{parameter_count(model):,}")


def initialise(config: LlamaConfig, seed: int) -> LlamaForCausalLM:
    """A model with weights drawn from a normal distribution of standard deviation `initializer_range`, in fp32."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return LlamaForCausalLM(config)


@torch.no_grad()
def scale_residual_projections(model: LlamaForCausalLM) -> None:
    """Divide the weights of o_proj and down_proj in every layer by sqrt(2 * num_hidden_layers), in place.

    Each of the L layers adds two outputs to the residual stream. With this factor its variance does not grow with L
    (Radford et al. 2019, section 2.3). nanotron's RandomInit does so with its default `scaling_method`, NUM_LAYERS, and
    Megatron-LM with its default `output_layer_init_method`. The other weights stay as they were drawn.
    """
    divisor = math.sqrt(2 * model.config.num_hidden_layers)
    for layer in model.model.layers:
        for projection in (layer.self_attn.o_proj, layer.mlp.down_proj):
            projection.weight /= divisor
