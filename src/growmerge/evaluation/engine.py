"""Summed log-probabilities of token sequences under a causal language model."""

import logging
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional
from transformers import PreTrainedModel

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
    model: PreTrainedModel, requests: Sequence[Request], *, tokens_per_batch: int = TOKENS_PER_BATCH
) -> NDArray[np.float64]:
    """Return the summed natural-log probability of each request's continuation given its context, [len(requests)].

    `model` is any causal language model of transformers. Where its logits are the product of the head with the last
    hidden states, as in Llama, that product is made for the positions that are asked for, a chunk at a time. Where they
    are not (Gemma 2 caps them, Granite and Cohere scale them), whole forward passes are made, in smaller batches.

    A context that does not fit into the model's max_position_embeddings together with the continuation loses tokens
    from its left end (BOS first), and the number of these contexts is logged. Equal requests are computed once and get
    the same number to the bit. The batches follow from the set of requests alone, so their order does not matter to
    the bit either; `tokens_per_batch` (positions, padding included) changes results by rounding only.

    Raises GrowmergeError for an empty context (the first token of a sequence has no prediction), an empty continuation,
    one that does not fit the model at all, and token ids outside of the vocabulary.
    """
    fitted = _fit(requests, max_positions(model), _vocabulary(model))
    if not fitted:
        return np.zeros(0)
    # Longest first: memory runs out in the first batch or not at all. Then by content, to be free of the given order.
    distinct = sorted(set(fitted), key=lambda r: (-len(r.context) - len(r.continuation), r.context, r.continuation))
    training = model.training
    model.eval()
    try:
        split = _head_is_a_product(model, distinct[-1])
        if not split:
            tokens_per_batch = min(tokens_per_batch, rows_at_a_time(_vocabulary(model), model.device.type))
        scores: dict[Request, float] = {}
        for batch in _batches(distinct, tokens_per_batch):
            scores.update(zip(batch, _score_batch(model, batch, split).tolist(), strict=True))
    finally:
        model.train(training)
    return np.array([scores[request] for request in fitted], dtype=np.float64)


def max_positions(model: PreTrainedModel) -> int:
    """The longest sequence that the model can read, in tokens; without a limit where its configuration states none."""
    return getattr(model.config.get_text_config(), "max_position_embeddings", None) or sys.maxsize


def _vocabulary(model: PreTrainedModel) -> int:
    return model.config.get_text_config().vocab_size


def _head_is_a_product(model: PreTrainedModel, request: Request) -> bool:
    """Whether the model's logits for `request` are to the bit its head applied to its last hidden states.

    Tried, not looked up in a list of architectures: no cap or scale leaves all of them as they are.
    """
    head = model.get_output_embeddings()
    if head is None or model.base_model is model:
        return False
    inputs = torch.tensor([request.context + request.continuation], device=model.device)[:, :-1]
    logits = model(input_ids=inputs, use_cache=False).logits
    return torch.equal(logits, head(model.base_model(input_ids=inputs, use_cache=False).last_hidden_state))


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


def _score_batch(model: PreTrainedModel, batch: Sequence[Request], split: bool) -> NDArray[np.float64]:
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
    given = torch.from_numpy(inputs).to(device)
    if split:
        states = model.base_model(input_ids=given, use_cache=False).last_hidden_state
        head = model.get_output_embeddings()
    else:
        states, head = model(input_ids=given, use_cache=False).logits, nn.Identity()
    predicting = states.flatten(0, 1)[torch.from_numpy(row_index * width + position_index).to(device)]
    wanted = torch.from_numpy(np.concatenate(targets)).to(device)
    losses = _losses(head, predicting, wanted, rows_at_a_time(_vocabulary(model), device.type))
    totals = np.zeros(len(batch))
    np.subtract.at(totals, row_index, losses.double().cpu().numpy())
    return totals


def _losses(head: Callable[[Tensor], Tensor], states: Tensor, targets: Tensor, rows: int) -> Tensor:
    """Return -log p(target), fp32 [n], of the logits that `head` makes of states [n, ...], `rows` at a time."""
    losses = [
        functional.cross_entropy(head(some).float(), wanted, reduction="none")
        for some, wanted in zip(states.split(rows), targets.split(rows), strict=True)
    ]
    return torch.cat(losses)
