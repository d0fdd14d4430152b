"""Summed log-probabilities of token sequences under a causal language model."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional
from transformers import LlamaForCausalLM

from growmerge.errors import GrowmergeError
from growmerge.models.logits import rows_at_a_time

# Padded positions in a batch: the fastest for models of hidden size 64 and 128 on a CPU. Raise it on a GPU.
TOKENS_PER_BATCH = 2048

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Request:
    """Ask for log p(continuation | context), both token ids, neither empty; BOS, if wanted, is part of the context."""

    context: tuple[int, ...]
    continuation: tuple[int, ...]


@torch.inference_mode()
def log_likelihoods(
    model: LlamaForCausalLM, requests: Sequence[Request], *, tokens_per_batch: int = TOKENS_PER_BATCH
) -> NDArray[np.float64]:
    """Return the summed natural-log probability of each request's continuation given its context, [len(requests)].

    A context that does not fit into the model's max_position_embeddings together with the continuation loses tokens
    from its left end (BOS first), and the number of these contexts is logged. Equal requests are computed once and get
    the same number to the bit. The batches follow from the set of requests alone, so their order does not matter to
    the bit either; `tokens_per_batch` (positions, padding included) changes results by rounding only.

    Raises GrowmergeError for an empty context (the first token of a sequence has no prediction), an empty continuation,
    one that does not fit the model at all, and token ids outside of the vocabulary.
    """
    fitted = _fit(requests, model.config.max_position_embeddings, model.config.vocab_size)
    # Longest first: memory runs out in the first batch or not at all. Then by content, to be free of the given order.
    distinct = sorted(set(fitted), key=lambda r: (-len(r.context) - len(r.continuation), r.context, r.continuation))
    training = model.training
    model.eval()
    try:
        scores: dict[Request, float] = {}
        for batch in _batches(distinct, tokens_per_batch):
            scores.update(zip(batch, _score_batch(model, batch).tolist(), strict=True))
    finally:
        model.train(training)
    return np.array([scores[request] for request in fitted], dtype=np.float64)


def _fit(requests: Sequence[Request], positions: int, vocabulary: int) -> list[Request]:
    """Check every request and shorten contexts from the left; the last token of a sequence takes no position."""
    fitted = []
    for index, request in enumerate(requests):
        context, continuation = request.context, request.continuation
        if not context:
            raise GrowmergeError(f"Request {index}: empty context; the first token has no prediction, so give BOS.")
        if not continuation:
            raise GrowmergeError(f"Request {index}: empty continuation; there is nothing to score.")
        if len(continuation) > positions:
            raise GrowmergeError(
                f"Request {index}: continuation of {len(continuation)} tokens, but the model has {positions} positions."
            )
        low, high = min(min(context), min(continuation)), max(max(context), max(continuation))
        if low < 0 or high >= vocabulary:
            wrong = low if low < 0 else high
            raise GrowmergeError(
                f"Request {index}: token id {wrong} is outside of the model's vocabulary of {vocabulary}; "
                f"is this the model's own tokenizer?"
            )
        excess = len(context) + len(continuation) - 1 - positions
        fitted.append(Request(context[excess:], continuation) if excess > 0 else request)
    truncated = sum(new is not old for new, old in zip(fitted, requests, strict=True))
    if truncated:
        logger.warning("%d of %d contexts cut to %d positions", truncated, len(fitted), positions)
    return fitted


def _batches(requests: Sequence[Request], tokens_per_batch: int) -> Iterator[Sequence[Request]]:
    """Cut `requests`, longest first, into batches of at most `tokens_per_batch` positions, but at least one row."""
    start = 0
    while start < len(requests):
        width = len(requests[start].context) + len(requests[start].continuation) - 1
        rows = max(1, tokens_per_batch // width)
        yield requests[start : start + rows]
        start += rows


def _score_batch(model: LlamaForCausalLM, batch: Sequence[Request]) -> NDArray[np.float64]:
    """Score one batch, longest request first, as a [rows, width] array of inputs padded on the right."""
    width = len(batch[0].context) + len(batch[0].continuation) - 1
    # Padding follows each sequence, so causal attention hides it and no mask is needed; any token will do.
    inputs = np.zeros((len(batch), width), dtype=np.int64)
    rows, positions, targets = [], [], []
    for row, request in enumerate(batch):
        sequence = (request.context + request.continuation)[:-1]
        inputs[row, : len(sequence)] = sequence
        rows.append(np.full(len(request.continuation), row))
        positions.append(np.arange(len(request.context) - 1, len(sequence)))
        targets.append(request.continuation)
    row_index, position_index = np.concatenate(rows), np.concatenate(positions)

    device = model.device
    hidden = model.model(input_ids=torch.from_numpy(inputs).to(device), use_cache=False).last_hidden_state
    predicting = hidden.flatten(0, 1)[torch.from_numpy(row_index * width + position_index).to(device)]
    losses = _losses(model, predicting, torch.from_numpy(np.concatenate(targets)).to(device))
    totals = np.zeros(len(batch))
    np.subtract.at(totals, row_index, losses.double().cpu().numpy())
    return totals


def _losses(model: LlamaForCausalLM, hidden: Tensor, targets: Tensor) -> Tensor:
    """Return -log p(target), fp32 [n], for hidden states [n, hidden]; the logits are made a chunk at a time."""
    rows = rows_at_a_time(model.config.vocab_size, hidden.device.type)
    losses = [
        functional.cross_entropy(model.lm_head(states).float(), wanted, reduction="none")
        for states, wanted in zip(hidden.split(rows), targets.split(rows), strict=True)
    ]
    return torch.cat(losses)
