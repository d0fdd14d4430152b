"""Summed log-probabilities of token sequences under a causal language model."""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from itertools import groupby

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import PreTrainedModel

from growmerge.errors import GrowmergeError
from growmerge.evaluation.forward import Forward
from growmerge.evaluation.packing import batches
from growmerge.evaluation.request import Request, fit
from growmerge.models.memory import is_out_of_memory

# Positions in a batch, of which a CPU takes less at a time (see forward.py). Raise it on a GPU.
TOKENS_PER_BATCH = 2048

logger = logging.getLogger(__name__)


class RequestTooLargeError(GrowmergeError):
    """A single request does not fit into memory: request `number`, of `tokens` tokens."""

    def __init__(self, number: int, tokens: int) -> None:
        super().__init__(
            f"Request {number}: out of memory at a single text of {tokens} tokens; give the job more memory, or leave "
            "the text out."
        )
        self.number, self.tokens = number, tokens


@torch.inference_mode()
def log_likelihoods(
    model: PreTrainedModel, requests: Sequence[Request], *, tokens_per_batch: int = TOKENS_PER_BATCH
) -> NDArray[np.float64]:
    """Return the summed natural-log probability of each request's continuation given its context, [len(requests)].

    `model` is any causal language model of transformers. What several requests begin with (half of a pair, a question,
    few-shot examples) is computed once, and the head applied only where a token is asked for, in chunks, with
    log-sum-exp in fp32. `Forward` says when a model does not allow that.

    A context that does not fit into the model's max_position_embeddings together with the continuation loses tokens
    from its left end (BOS first), and the number of these contexts is logged. Equal requests are computed once and get
    the same number to the bit. The batches follow from the set of requests alone, so their order does not matter to
    the bit either; `tokens_per_batch` (positions, padding included) changes results by rounding only. Where memory runs
    out, it is halved for what is left, with a warning. A log-probability is NaN where the model's logits are.

    Raises GrowmergeError for an empty context (the first token of a sequence has no prediction), an empty continuation,
    one that does not fit the model at all, and token ids outside of the vocabulary; RequestTooLargeError where memory
    does not suffice for one request.
    """
    fitted = fit(requests, max_positions(model), model.config.get_text_config().vocab_size)
    if not fitted:
        return np.zeros(0)
    # By what the model reads, so that common beginnings are neighbours; then by the rest, for one order of each set.
    ordered = sorted(set(fitted), key=lambda r: (r.inputs, len(r.context), r.continuation[-1]))
    bound = _frequency_bound(model)
    ordered.sort(key=lambda r: len(r.inputs) > bound)
    scores: dict[Request, float] = {}
    training = model.training
    model.eval()
    try:
        forward = Forward(model, ordered)
        slots = forward.affordable(tokens_per_batch)
        for _, alike in groupby(ordered, key=lambda r: len(r.inputs) > bound):
            pending = list(alike)
            while pending:
                try:
                    for batch in batches(forward.pack(pending, slots), min(slots, forward.slots_at_once)):
                        scores |= forward.score(batch, pending)
                except (RuntimeError, MemoryError) as error:
                    if not is_out_of_memory(error):
                        raise
                pending = [request for request in pending if request not in scores]
                if pending:
                    slots = _fewer(slots, pending, forward, fitted)
                    if model.device.type == "cuda":
                        torch.cuda.empty_cache()
    finally:
        model.train(training)
    return np.array([scores[request] for request in fitted], dtype=np.float64)


def max_positions(model: PreTrainedModel) -> int:
    """The longest sequence that the model can read, in tokens; without a limit where its configuration states none."""
    return getattr(model.config.get_text_config(), "max_position_embeddings", None) or sys.maxsize


def _frequency_bound(model: PreTrainedModel) -> int:
    """The length past which one text changes the scores of all in its batch: long-RoPE then has other frequencies.

    (Dynamic RoPE has them past max_position_embeddings, where texts are cut.)
    """
    rope = getattr(model.config.get_text_config(), "rope_parameters", None) or {}
    kinds = [rope, *(kind for kind in rope.values() if isinstance(kind, dict))]  # some models: {kind of layer: its own}
    bounds = (kind["original_max_position_embeddings"] for kind in kinds if kind.get("rope_type") == "longrope")
    return min(bounds, default=sys.maxsize)


def _fewer(slots: int, pending: Sequence[Request], forward: Forward, fitted: Sequence[Request]) -> int:
    """Half as many slots, or those of the longest request; where there are no more, rows that need no mask.

    Raises RequestTooLargeError where these were too large.
    """
    longest = max(pending, key=lambda request: len(request.inputs))
    tokens = len(longest.inputs)
    if slots > tokens:
        fewer = max(slots // 2, tokens)
        logger.warning("out of memory: batches of %d tokens, not %d, from here on", fewer, slots)
        return fewer
    if forward.shares is False:
        raise RequestTooLargeError(fitted.index(longest), tokens)
    forward.shares = False
    logger.warning("out of memory: common beginnings are computed for each request from here on")
    return slots
