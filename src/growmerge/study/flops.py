"""What a model costs, from its shape alone: parameters and FLOPs. No torch."""

from __future__ import annotations

from growmerge.config.models import Architecture


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
    tokens = float(sequences) * length
    return _flops(a, vocab_size, width, tokens, tokens * length, tokens)


def generation_flops(a: Architecture, vocab_size: int, width: int, sequences: int, prompt: int, new: int) -> float:
    """FLOPs of continuing `sequences` of `prompt` tokens by `new` ones each, with keys and values cached.

    Counted as in `forward_flops`: a pass over the prompt, whose end gives the first new token, and one over each new
    token but the last, which attends to itself and all before it. The head counts only where a token is chosen.
    """
    attended = range(prompt + 1, prompt + new)  # by each token that is passed alone
    tokens, pairs = prompt + len(attended), prompt**2 + sum(attended)
    return _flops(a, vocab_size, width, *(float(sequences) * number for number in (tokens, pairs, new)))


def training_flops(a: Architecture, vocab_size: int, width: int, sequences: int, length: int) -> float:
    """FLOPs of training on `sequences`: forward, and backward at twice its cost."""
    return 3 * forward_flops(a, vocab_size, width, sequences, length)


def _flops(a: Architecture, vocab_size: int, width: int, tokens: float, pairs: float, predictions: float) -> float:
    """FLOPs of `tokens` through all layers, `pairs` of a query with a key, and `predictions` of a next token."""
    hidden, ffn = a.hidden_size * width, a.intermediate_size * width
    queries, keys = (heads * width * a.head_dim for heads in (a.num_attention_heads, a.num_key_value_heads))
    projections = 2 * tokens * hidden * (queries + 2 * keys)
    scores_and_values = 4 * pairs * queries
    output = 2 * tokens * queries * hidden
    feed_forward = 6 * tokens * hidden * ffn
    layer = projections + scores_and_values + output + feed_forward
    return a.num_hidden_layers * layer + 2 * predictions * hidden * vocab_size
