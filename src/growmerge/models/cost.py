"""What a model costs, from its shape alone: parameters and FLOPs. No torch."""

from __future__ import annotations

from growmerge.config.schema import Architecture


def parameters(a: Architecture, vocab_size: int, width: int = 1) -> int:
    """Number of parameters of a Llama of shape `a` after HyperCloning by `width` (tied matrices counted once)."""
    hidden = a.hidden_size * width
    queries, keys = (heads * width * a.head_dim for heads in (a.num_attention_heads, a.num_key_value_heads))
    attention = hidden * (2 * queries + 2 * keys)
    layer = attention + 3 * hidden * a.intermediate_size * width + 2 * hidden
    embeddings = vocab_size * hidden * (1 if a.tie_word_embeddings else 2)
    return embeddings + a.num_hidden_layers * layer + hidden


def forward_flops(a: Architecture, vocab_size: int, width: int, sequences: int, length: int) -> float:
    """FLOPs of a forward pass over `sequences` of `length` tokens.

    As nanotron's get_flops counts (Glocker et al. 2025, section 3.3): matrix products with attention scores not halved
    for causality, nothing for norms and the embedding look-up.
    """
    hidden, ffn = a.hidden_size * width, a.intermediate_size * width
    queries, keys = (heads * width * a.head_dim for heads in (a.num_attention_heads, a.num_key_value_heads))
    tokens = float(sequences) * length
    projections = 2 * tokens * hidden * (queries + 2 * keys)
    scores_and_values = 4 * tokens * length * queries
    output = 2 * tokens * queries * hidden
    feed_forward = 6 * tokens * hidden * ffn
    layer = projections + scores_and_values + output + feed_forward
    return a.num_hidden_layers * layer + 2 * tokens * hidden * vocab_size


def training_flops(a: Architecture, vocab_size: int, width: int, sequences: int, length: int) -> float:
    """FLOPs of training on `sequences`: forward, and backward at twice its cost."""
    return 3 * forward_flops(a, vocab_size, width, sequences, length)
