"""The shapes of models that are measured: the miniature's, SmolLM2-135M's, the paper's two, and a tiny one."""

from __future__ import annotations

from pathlib import Path

from growmerge.config import load_files
from growmerge.config.models import Architecture

PAPER = Path(__file__).parents[1] / "config/config.yaml"
TINY = Architecture(
    hidden_size=32,
    intermediate_size=48,
    num_hidden_layers=2,
    num_attention_heads=4,
    num_key_value_heads=2,
    head_dim=8,
)
MINIATURE = Architecture(
    hidden_size=64,
    intermediate_size=160,
    num_hidden_layers=3,
    num_attention_heads=4,
    num_key_value_heads=2,
    head_dim=16,
    max_position_embeddings=512,
    initializer_range=0.05,
)
SMOLLM2 = Architecture(
    hidden_size=576,
    intermediate_size=1536,
    num_hidden_layers=30,
    num_attention_heads=9,
    num_key_value_heads=3,
    head_dim=64,
    max_position_embeddings=2048,
    initializer_range=0.05,
)
WIDTHS = {"tiny": 1, "180M": 1, "572M": 2}  # each as a multiple of the architecture that it is made from


def shape(name: str) -> Architecture:
    """The paper's architecture (config/config.yaml) at width 1 (180M) or 2 (572M), or the tiny one."""
    if name == "tiny":
        return TINY
    one, width = load_files(PAPER).architecture, WIDTHS[name]
    scaled = ("hidden_size", "intermediate_size", "num_attention_heads", "num_key_value_heads")
    return one.model_copy(update={key: getattr(one, key) * width for key in scaled})
