"""The shapes of models that are measured, by name: those of the configurations, SmolLM2-135M's, and a tiny one."""

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
WIDTHS = {"tiny": 1, "180M": 1, "572M": 2}  # each as a multiple of the architecture that it is made from
VOCABULARIES = {"tiny": 320, "miniature": 4096, "smollm2": 49_152, "180M": 128_256, "572M": 128_256}  # entries


def shape(name: str) -> Architecture:
    """The architecture of one of `VOCABULARIES`.

    `180M` and `572M` are the paper's (config/config.yaml) at width 1 and 2. The miniature's has 512 positions instead
    of 128, for the texts that are scored.
    """
    if name == "tiny":
        return TINY
    if name == "miniature":
        own = load_files(PAPER, PAPER.with_name("miniature.yaml")).architecture
        return own.model_copy(update={"max_position_embeddings": 512})
    one = load_files(PAPER).architecture
    if name == "smollm2":
        return one.model_copy(update={"hidden_act": "silu", "initializer_range": 0.05, "residual_init": "plain"})
    scaled = ("hidden_size", "intermediate_size", "num_attention_heads", "num_key_value_heads")
    return one.model_copy(update={key: getattr(one, key) * WIDTHS[name] for key in scaled})
