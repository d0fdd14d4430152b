"""Forward passes over packed rows, and the log-probabilities that are read off them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from transformers import PreTrainedModel

from growmerge.evaluation.packing import Row, pack, visibility
from growmerge.evaluation.request import Request
from growmerge.models.logits import rows_at_a_time

# The product with fewer states reads the head's weights too often: with 42 instead of 128 a state takes 1.8 times as
# long (49k entries, hidden size 576, on a CPU).
_LEAST_HEAD_ROWS = 128
# So many tokens of a request show what becomes of logits, without making those of a long one.
_TRIED_TOKENS = 16

logger = logging.getLogger(__name__)


class Forward:
    """Scores packed requests with one model, in the ways that this model is shown to allow.

    Two things are tried on requests, not looked up in a list of architectures: whether the logits are the head applied
    to the last hidden states (no cap, no scale), so that the head can be left out where nothing is asked; and whether
    sequences that share slots get what they get by themselves (no recurrence, no positions of the model's own).
    """

    def __init__(self, model: PreTrainedModel, requests: Sequence[Request]) -> None:
        self.model = model
        config = model.config.get_text_config()
        self.logit_rows = rows_at_a_time(config.vocab_size, model.device.type)
        # The products of a layer cost as much as the attention to 6 x hidden size slots, but attention with a mask runs
        # at a fraction of their speed. On a CPU (hidden size 64, 128, 576) anything from 1/2 to 6 was as good.
        self.balance: int = config.hidden_size
        self.split = self._head_is_a_product(max(requests, key=lambda request: len(request.inputs)))
        self.shares: bool | None = None  # known when requests are first packed

    def affordable(self, slots: int) -> int:
        """At most so many slots in a pass: where logits are made for all of them, no more than those allow."""
        return slots if self.split else min(slots, self.logit_rows)

    def pack(self, requests: Sequence[Request], slots: int) -> list[Row]:
        """Rows of at most `slots` (or one request) of the sorted requests' inputs."""
        sequences = [request.inputs for request in requests]
        if self.shares is not False:
            rows = pack(sequences, slots, self.balance)
            self.shares = self._can_share(rows, requests)
            if self.shares:
                return rows
        return pack(sequences, 0, self.balance)

    def score(self, rows: Sequence[Row], requests: Sequence[Request]) -> dict[Request, float]:
        """Summed log-probabilities of the requests in `rows`, widest first, which hold them by their numbers."""
        states = self._states(rows)
        width = states.shape[1]
        scored = [(row, number, path) for row, here in enumerate(rows) for number, path in here.paths.items()]
        # A token is predicted where the one before it stands; several may be predicted at one place.
        places = [row * width + path[len(requests[number].context) - 1 :] for row, number, path in scored]
        targets = [requests[number].continuation for _, number, _ in scored]
        owner = np.repeat(np.arange(len(scored)), [len(place) for place in places])
        asked, place = np.unique(np.concatenate(places), return_inverse=True)
        order = np.argsort(place, kind="stable")
        head = self.model.get_output_embeddings() if self.split else nn.Identity()
        logprobs = _log_probabilities(
            head,
            states.flatten(0, 1)[torch.from_numpy(asked).to(states.device)],
            place[order],
            np.concatenate(targets)[order],
            max(self.logit_rows, _LEAST_HEAD_ROWS),
        )
        totals = np.bincount(owner[order], weights=logprobs, minlength=len(scored))
        return {requests[number]: float(total) for (_, number, _), total in zip(scored, totals, strict=True)}

    def _states(self, rows: Sequence[Row]) -> Tensor:
        """What predicts the next token at each slot, (rows, widest row, ...): last hidden states, or logits."""
        width, device = len(rows[0]), self.model.device
        # Padding follows the tokens, so that causal attention hides it; any token will do.
        tokens = np.zeros((len(rows), width), dtype=np.int64)
        for number, row in enumerate(rows):
            tokens[number, : len(row)] = row.tokens
        inputs = {"input_ids": torch.from_numpy(tokens).to(device)}
        if any(row.branches for row in rows):
            positions, sees = visibility(rows, width)
            hidden = ~torch.from_numpy(sees[:, None]).to(device)
            mask = torch.zeros(hidden.shape, dtype=self.model.dtype, device=device)
            inputs |= {
                "position_ids": torch.from_numpy(positions).to(device),
                # Not -inf, which would make NaN of the padding that sees nothing.
                "attention_mask": mask.masked_fill_(hidden, torch.finfo(mask.dtype).min),
            }
        if self.split:
            return self.model.base_model(**inputs, use_cache=False).last_hidden_state
        return self.model(**inputs, use_cache=False).logits

    def _head_is_a_product(self, request: Request) -> bool:
        """Whether the model's logits are to the bit its head applied to its last hidden states."""
        head, body = self.model.get_output_embeddings(), self.model.base_model
        if head is None or body is self.model:
            return False
        inputs = torch.tensor([request.inputs[: min(_TRIED_TOKENS, self.logit_rows)]], device=self.model.device)
        logits = self.model(input_ids=inputs, use_cache=False).logits
        product = head(body(input_ids=inputs, use_cache=False).last_hidden_state)
        # Logits of 0 (of padding, say) would show nothing: they stay what they are under a cap or a scale.
        return bool(logits.any()) and torch.equal(logits, product)

    def _can_share(self, rows: Sequence[Row], requests: Sequence[Request]) -> bool:
        """Whether requests that share slots get the scores that they get in rows of their own."""
        row = min((row for row in rows if row.branches), key=len, default=None)
        # Layers that see a window or a chunk would, with our mask, see all: the same only for short sequences.
        config = self.model.config.get_text_config()
        windows = [getattr(config, name, None) for name in ("sliding_window", "attention_chunk_size")]
        longest = max(len(request.inputs) for request in requests)
        if row is None or any(window and longest > window for window in windows):
            return False
        found: list[float] = []
        expected: list[float] = []
        try:
            together = self.score([row], requests)
            for request in (requests[number] for number in row.paths):
                found.append(together[request])
                expected += self.score(pack([request.inputs], 0, self.balance), [request]).values()
        except Exception as error:  # of whatever kind an architecture has for arguments that it does not know
            logger.info("common beginnings are computed for each request (%s: %s)", type(error).__name__, error)
            return False
        tolerance = 1e-5 if self.model.dtype == torch.float32 else 0.03
        if not np.allclose(found, expected, rtol=tolerance, atol=tolerance):
            logger.info("common beginnings are computed for each request: this model gives other scores otherwise")
            return False
        return True


def _log_probabilities(
    head: Callable[[Tensor], Tensor],
    states: Tensor,
    place: NDArray[np.int64],
    targets: NDArray[np.int64],
    rows: int,
) -> NDArray[np.float64]:
    """log p(targets[i]) under the logits, in fp32, that `head` makes of states[place[i]]; `place` ascends.

    Logits of `rows` states are held at a time.
    """
    where, what = (torch.from_numpy(numbers).to(states.device) for numbers in (place, targets))
    parts = []
    for start in range(0, len(states), rows):
        # One kernel, and faster on a CPU than log-sum-exp.
        logprobs = head(states[start : start + rows]).float().log_softmax(-1)
        first, last = np.searchsorted(place, [start, start + rows])
        parts.append(logprobs[where[first:last] - start, what[first:last]])
    return torch.cat(parts).double().cpu().numpy()
