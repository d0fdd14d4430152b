"""Summed log-probabilities of token sequences under a causal language model."""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import PreTrainedModel

from growmerge.errors import GrowmergeError
from growmerge.evaluation.forward import Forward
from growmerge.evaluation.memory import is_out_of_memory
from growmerge.evaluation.packing import batches
from growmerge.evaluation.request import Request, fit

# Positions in a batch, of which a CPU takes less at a time (see forward.py). Raise it on a GPU.
TOKENS_PER_BATCH = 2048

logger = logging.getLogger(__name__)


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
    out, it is halved for what is left, with a warning.

    Raises GrowmergeError for an empty context (the first token of a sequence has no prediction), an empty continuation,
    one that does not fit the model at all, token ids outside of the vocabulary, and memory that does not suffice for
    one request.
    """
    fitted = fit(requests, max_positions(model), model.config.get_text_config().vocab_size)
    if not fitted:
        return np.zeros(0)
    # By what the model reads, so that common beginnings are neighbours; then by the rest, for one order of each set.
    pending = sorted(set(fitted), key=lambda r: (r.inputs, len(r.context), r.continuation[-1]))
    scores: dict[Request, float] = {}
    training = model.training
    model.eval()
    try:
        forward = Forward(model, pending)
        slots = forward.affordable(tokens_per_batch)
        while pending:
            try:
                for batch in batches(forward.pack(pending, slots), min(slots, forward.slots_at_once)):
                    scores |= forward.score(batch, pending)
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
            pending = [request for request in pending if request not in scores]
            if pending:
                slots = _fewer(slots, pending)
                if model.device.type == "cuda":
                    torch.cuda.empty_cache()
    finally:
        model.train(training)
    return np.array([scores[request] for request in fitted], dtype=np.float64)


def max_positions(model: PreTrainedModel) -> int:
    """The longest sequence that the model can read, in tokens; without a limit where its configuration states none."""
    return getattr(model.config.get_text_config(), "max_position_embeddings", None) or sys.maxsize


def _fewer(slots: int, pending: Sequence[Request]) -> int:
    """Half as many slots, or those of the longest request. Raises GrowmergeError where it were no fewer."""
    longest = max(len(request.inputs) for request in pending)
    if slots <= longest:
        raise GrowmergeError(
            f"Out of memory at a single text of {longest} tokens; give the job more memory, or leave long texts out "
            "(benchmarks: max_words)."
        )
    fewer = max(slots // 2, longest)
    logger.warning("out of memory: batches of %d tokens, not %d, from here on", fewer, slots)
    return fewer
