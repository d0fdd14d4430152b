"""Forward passes over packed rows, and the log-probabilities that are read off them."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from transformers import PreTrainedModel

from growmerge.allocator import keep_freed_memory
from growmerge.evaluation.packing import Row, batches, pack, visibility
from growmerge.evaluation.request import Request
from growmerge.models.logits import rows_at_a_time
from growmerge.models.memory import is_out_of_memory

# On a CPU, logits of one chunk of the head and states of one batch (numbers) that stay in a core's own cache with all
# that a layer makes of them: larger arrays go to memory and come back between any two operations.
_CACHED_LOGITS = 2**19
_CACHED_STATES = 2**17
# Products with fewer rows read the weights too often: a head of 49k entries on 42 instead of 128 states of size 576
# takes 1.8 times as long for each; a layer of that size on 128 instead of 512 slots 1.2 times.
_LEAST_HEAD_ROWS = 128
_LEAST_SLOTS = 512
# So many tokens of a request show what becomes of logits, without making those of a long one.
_TRIED_TOKENS = 16
# So many requests of a row show whether they may share it, to this share of a score (of SmolLM2's: at most 3e-7).
_TRIED_REQUESTS = 4
_ROUNDING = 1e-5

logger = logging.getLogger(__name__)


class Forward:
    """Scores packed requests with one model, in the ways that this model is shown to allow.

    Two things are tried on requests, not looked up in a list of architectures: whether the logits are the head applied
    to the last hidden states (no cap, no scale), so that the head can be left out where nothing is asked; and whether
    sequences that share slots in a row that branches get what they get by themselves (no recurrence, no positions of
    the model's own). A row that does not branch is right for every causal model.
    """

    def __init__(self, model: PreTrainedModel, requests: Sequence[Request]) -> None:
        self.model = model
        config = model.config.get_text_config()
        self.logit_rows = head_rows = rows_at_a_time(config.vocab_size, model.device.type)
        self.slots_at_once: int = sys.maxsize
        if model.device.type == "cpu":
            keep_freed_memory()
            head_rows = min(head_rows, _CACHED_LOGITS // config.vocab_size)
            self.slots_at_once = max(_LEAST_SLOTS, _CACHED_STATES // config.hidden_size)
        self.head_rows = max(_LEAST_HEAD_ROWS, head_rows)
        # The products of a layer cost as much as the attention to 6 x hidden size slots, but attention with a mask runs
        # at a fraction of their speed. On a CPU (hidden size 64, 128, 576) anything from 1/2 to 6 was as good.
        self.balance: int = config.hidden_size
        self.split = self._head_is_a_product(max(requests, key=lambda request: len(request.inputs)))
        self.shares: bool | None = None  # whether rows may branch; known when one first does
        # Layers that see a window or a chunk would, with our mask, see all: the same only for sequences no longer.
        windows = [getattr(config, name, None) for name in ("sliding_window", "attention_chunk_size")]
        self.window: int = min(filter(None, windows), default=sys.maxsize)

    def affordable(self, slots: int) -> int:
        """The most slots in a pass, at most `slots`; fewer if the model computes logits for every slot."""
        return slots if self.split else min(slots, self.logit_rows)

    def pack(self, requests: Sequence[Request], slots: int) -> list[Row]:
        """Rows of at most `slots` (or one request) of the sorted requests' inputs."""
        sequences = [request.inputs for request in requests]
        if self.shares is not False and max(map(len, sequences)) <= self.window:
            rows = pack(sequences, slots, self.balance)
            branching = [row for row in rows if row.branches]
            if branching and self.shares is None:
                self.shares = self._can_share(max(branching, key=len), requests)
            if self.shares is not False:
                return rows
        return pack(sequences, 0, self.balance)

    def score(self, rows: Sequence[Row], requests: Sequence[Request]) -> dict[Request, float]:
        """Summed log-probabilities of the requests in `rows`, widest first, which hold them by their numbers."""
        states = self._states(rows)
        width = states.shape[1]
        scored = [requests[number] for row in rows for number in row.paths]
        asked = [len(request.continuation) for request in scored]
        # A token is predicted at the position of the previous token. If sequences branch, several tokens are predicted
        # at one position.
        ends = [
            path[-count:] for path, count in zip((p for row in rows for p in row.paths.values()), asked, strict=True)
        ]
        first_slots = np.repeat(np.arange(len(rows)) * width, [len(row.paths) for row in rows])
        places = np.concatenate(ends) + np.repeat(first_slots, asked)
        targets = np.fromiter(chain.from_iterable(request.continuation for request in scored), np.int64, len(places))
        owner = np.repeat(np.arange(len(scored)), asked)
        distinct, place = np.unique(places, return_inverse=True)
        order = np.argsort(place, kind="stable")
        logprobs = _log_probabilities(
            self.model.get_output_embeddings() if self.split else nn.Identity(),
            states.flatten(0, 1)[torch.from_numpy(distinct).to(states.device)],
            place[order],
            targets[order],
            self.head_rows,
        )
        totals = np.bincount(owner[order], weights=logprobs, minlength=len(scored))
        return dict(zip(scored, totals.tolist(), strict=True))

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
        states = body(input_ids=inputs, use_cache=False).last_hidden_state
        if states.dtype != self.model.dtype:  # as those of Mamba in bf16, which it casts
            return False
        product = head(states)
        # Logits of 0 (of padding, say) would show nothing: they stay what they are under a cap or a scale.
        return bool(logits.any()) and torch.equal(logits, product)

    def _can_share(self, row: Row, requests: Sequence[Request]) -> bool:
        """Whether requests get the same scores in a branching row as in rows of their own.

        The last requests of the widest row are tried: their positions differ most from those in rows of their own, so
        errors show there.
        """
        tried = [requests[number] for number in row.paths][-_TRIED_REQUESTS:]
        alone: dict[Request, float] = {}
        try:
            with _weights_in_fp32(self.model):
                together = self.score([row], requests)
                for batch in batches(pack([request.inputs for request in tried], 0, self.balance), len(row)):
                    alone |= self.score(batch, tried)
        except Exception as error:  # of whatever kind an architecture has for arguments that it does not know
            if is_out_of_memory(error):
                raise
            logger.info("common beginnings are computed for each request (%s: %s)", type(error).__name__, error)
            return False
        found, expected = ([scores[request] for request in tried] for scores in (together, alone))
        if not np.allclose(found, expected, rtol=_ROUNDING, atol=_ROUNDING):
            logger.info("common beginnings are computed for each request: this model gives other scores otherwise")
            return False
        return True


@contextmanager
def _weights_in_fp32(model: PreTrainedModel) -> Iterator[None]:
    """What `model` computes meanwhile has no rounding of 16 bits, which could hide that a score is wrong."""
    half = [(weight, weight.data) for weight in model.parameters() if weight.dtype in (torch.bfloat16, torch.float16)]
    try:
        for weight, data in half:
            weight.data = data.float()
        yield
    finally:
        for weight, data in half:
            weight.data = data


def _log_probabilities(
    head: Callable[[Tensor], Tensor],
    states: Tensor,
    place: NDArray[np.int64],
    targets: NDArray[np.int64],
    rows: int,
) -> NDArray[np.float64]:
    """log p(targets[i]) under the logits, in fp32, that `head` makes of states[place[i]]; `place` ascends.

    Logits of `rows` states are held at a time. What `head` returns is overwritten, `states` too if it returns these.
    """
    where, what = (torch.from_numpy(numbers).to(states.device) for numbers in (place, targets))
    parts = []
    for start in range(0, len(states), rows):
        # The kernel of lm-evaluation-harness. On a CPU its sum over 49k entries is up to 5e-6 off a token; separate
        # operations (amax, exp, sum) are closer to fp64, but then up to 3e-4 a text from the harness's numbers.
        # On a CPU in place: a second array of that size would push the first out of the cache. Not tried on a GPU.
        logits = head(states[start : start + rows]).float()
        logprobs = torch.log_softmax(logits, -1, out=logits if logits.device.type == "cpu" else None)
        first, last = np.searchsorted(place, [start, start + rows])
        parts.append(logprobs[where[first:last] - start, what[first:last]])
    return torch.cat(parts).double().cpu().numpy()
