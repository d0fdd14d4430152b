"""What a model is asked: the probability of a continuation after a context, in token ids."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from growmerge.errors import GrowmergeError

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Request:
    """Ask for log p(continuation | context), both token ids, neither empty; BOS, if wanted, is part of the context."""

    context: tuple[int, ...]
    continuation: tuple[int, ...]

    @property
    def inputs(self) -> tuple[int, ...]:
        """What the model reads: all but the last token, which is only predicted."""
        return self.context + self.continuation[:-1]

    def excess(self, positions: int) -> int:
        """How many tokens of the context have to go for a model that reads so many."""
        return max(0, len(self.context) + len(self.continuation) - 1 - positions)


def fit(requests: Sequence[Request], positions: int, vocabulary: int) -> list[Request]:
    """Check every request and shorten contexts from the left, as many as must; their number is logged.

    Raises GrowmergeError for an empty context or continuation, one that does not fit into `positions` at all, and token
    ids outside of the vocabulary.
    """
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
        excess = request.excess(positions)
        fitted.append(Request(context[excess:], continuation) if excess else request)
    truncated = sum(new is not old for new, old in zip(fitted, requests, strict=True))
    if truncated:
        logger.warning("%d of %d contexts cut to %d positions", truncated, len(fitted), positions)
    return fitted
