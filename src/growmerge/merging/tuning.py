"""Coefficients of a merge, fitted to text: one for each tensor and language.

The merged tensor t is

    base_t + sum over languages l of c[t, l] (expert_l - base)_t.

The coefficients minimise the mean over languages of the bits per byte of tuning text, -log2 p(text) / bytes of the text
in UTF-8, so that languages with long words or rare letters count no more than others. They begin at 1/n, the mean of n
experts, and follow Adam for a few dozen steps. The gradient is exact and needs no second model:

    dL / dc[t, l] = sum of the elements of (dL / dW_t) * (expert_l - base)_t,

where W are the merged weights. Task arithmetic (Ilharco et al. 2023, arXiv 2212.04089) has one coefficient for all
tensors; AdaMerging (Yang et al. 2024, arXiv 2310.02575) fits one for each layer and task to the entropy of its answers.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional
from transformers import LlamaForCausalLM

from growmerge.evaluation.request import Request
from growmerge.hashing import hash64
from growmerge.merging.fit_state import FitState
from growmerge.models.logits import rows_at_a_time

logger = logging.getLogger(__name__)
LOG_EVERY = 10.0  # seconds between two lines about the steps of a fit
_IGNORED = -100  # the target of padding


@dataclass(frozen=True)
class Text:
    """A text to fit to: what is asked of a model, and the bytes of the text in UTF-8."""

    request: Request
    bytes: int


@dataclass(frozen=True)
class Fit:
    """How coefficients are fitted.

    `steps` of Adam, whose rate begins at `learning_rate` and falls linearly to zero; at each, `texts` of every language
    (all of them, if a language has fewer), drawn from `seed` without repetition until all have had their turn.
    """

    steps: int
    learning_rate: float
    texts: int
    seed: int


class Tunable:
    """A merge whose coefficients can be changed.

    `names` are the fitted tensors, sorted; `tokens` counts the tokens that gradients were computed from, and `bits` is
    the mean bits per byte of the texts of the last gradient, NaN before the first. In memory are, in fp32: the merge,
    its gradient, the base, and the difference of each expert to it.
    """

    def __init__(
        self,
        model: LlamaForCausalLM,
        base: Mapping[str, Tensor],
        experts: Mapping[str, Mapping[str, Tensor]],
        fixed: Mapping[str, Tensor],
    ) -> None:
        """`model` becomes the merge. `base` and `experts` (by language) hold the tensors by name, a tied head not among
        them; `fixed` are tensors that are merged already, and not fitted."""
        self.model = model
        self.languages = sorted(experts)
        self.tokens = 0
        self.bits = math.nan
        self._weights = dict(model.named_parameters())
        self.names = sorted(base.keys() - fixed.keys())
        self._base = {name: base[name] for name in self.names}
        self._deltas = {
            name: torch.stack([experts[code][name] - base[name] for code in self.languages]) for name in self.names
        }
        for name, weight in self._weights.items():
            weight.requires_grad_(name not in fixed)
            if name in fixed:
                weight.data.copy_(fixed[name])

    def equal(self) -> Tensor:
        """The coefficients [tensors, languages] of the mean of the experts."""
        return torch.full((len(self.names), len(self.languages)), 1 / len(self.languages))

    @torch.no_grad()
    def merge(self, coefficients: Tensor) -> None:
        """Make the model the merge by `coefficients` [tensors, languages], and forget its gradient."""
        for name, of_tensor in zip(self.names, coefficients.unbind(), strict=True):
            merged = torch.tensordot(of_tensor.to(self._base[name].device), self._deltas[name], dims=1)
            self._weights[name].copy_(merged.add_(self._base[name]))
            self._weights[name].grad = None

    def gradient(self, texts: Mapping[str, Sequence[Text]]) -> Tensor:
        """The gradient [tensors, languages] of the mean bits per byte of `texts`, by language, at the merge."""
        self.bits = 0.0
        for of_language in texts.values():
            size = sum(text.bytes for text in of_language)
            self.tokens += sum(len(text.request.inputs) for text in of_language)
            for some in _chunks(self.model, of_language):
                share = _nats(self.model, some) / (math.log(2) * size * len(texts))
                share.backward()
                self.bits += share.item()
        products = []
        for name in self.names:
            gradient = self._weights[name].grad
            assert gradient is not None
            products.append((self._deltas[name] * gradient).flatten(1).sum(1).cpu())
        return torch.stack(products)

    @torch.no_grad()
    def bits_per_byte(self, texts: Mapping[str, Sequence[Text]]) -> dict[str, float]:
        """The bits per byte of the texts of each language at the merge."""
        return {
            code: sum(_nats(self.model, some).item() for some in _chunks(self.model, of_language))
            / (math.log(2) * sum(text.bytes for text in of_language))
            for code, of_language in texts.items()
        }


def fit(tunable: Tunable, texts: Mapping[str, Sequence[Text]], how: Fit, state: FitState | None = None) -> Tensor:
    """The coefficients [tensors, languages], fp32, that `how` fits to `texts` (by language).

    `tunable` is then the merge by these coefficients. With a `state`, the fit goes on from there and is saved after
    every step; the coefficients and `tunable.tokens` are the same as without an interruption.
    """
    coefficients = tunable.equal()
    optimizer = torch.optim.Adam([coefficients], lr=how.learning_rate)
    draws = {code: _draws(texts[code], how, code) for code in sorted(texts)}
    done = 0
    if state:
        done, tokens = state.restore(coefficients, optimizer)
        tunable.tokens += tokens
    if done:
        logger.info("going on after step %d of %d", done, how.steps)
    logged = -math.inf
    for step in range(how.steps):
        drawn = {code: next(draw) for code, draw in draws.items()}
        if step < done:
            continue
        tunable.merge(coefficients)
        coefficients.grad = tunable.gradient(drawn)
        optimizer.param_groups[0]["lr"] = how.learning_rate * (1 - step / how.steps)
        optimizer.step()
        if state:
            state.save(tunable.tokens, coefficients, optimizer)
        if time.monotonic() - logged >= LOG_EVERY:
            logged = time.monotonic()
            logger.info("step %d of %d: bits per byte of the texts it drew %.4f", step + 1, how.steps, tunable.bits)
    tunable.merge(coefficients)
    return coefficients


def _draws(texts: Sequence[Text], how: Fit, code: str) -> Iterator[list[Text]]:
    """The texts of a language at each step; they depend on the seed and the language, not on other languages."""
    generator = torch.Generator().manual_seed(hash64(f"{how.seed}\ntuning\n{code}") % 2**63)
    waiting: list[int] = []
    while True:
        if len(waiting) < how.texts:
            waiting += torch.randperm(len(texts), generator=generator).tolist()
        chosen, waiting = waiting[: how.texts], waiting[how.texts :]
        yield [texts[number] for number in dict.fromkeys(chosen)]


def _chunks(model: LlamaForCausalLM, texts: Sequence[Text]) -> Iterator[list[Request]]:
    """The requests of texts, in groups of similar length; the logits of a group fit into memory."""
    most = rows_at_a_time(model.config.vocab_size, model.device.type)
    chunk: list[Request] = []
    for request in sorted((text.request for text in texts), key=lambda request: len(request.inputs)):
        if chunk and (len(chunk) + 1) * len(request.inputs) > most:
            yield chunk
            chunk = []
        chunk.append(request)
    yield chunk


def _nats(model: LlamaForCausalLM, requests: Sequence[Request]) -> Tensor:
    """The summed negative log-probability of the continuations, in nats."""
    width = max(len(request.inputs) for request in requests)
    # Padding follows the tokens, so that causal attention hides it; any token will do.
    inputs = torch.zeros(len(requests), width, dtype=torch.long)
    targets = torch.full((len(requests), width), _IGNORED)
    for row, request in enumerate(requests):
        length, asked = len(request.inputs), len(request.continuation)
        inputs[row, :length] = torch.tensor(request.inputs)
        targets[row, length - asked : length] = torch.tensor(request.continuation)
    logits = model(input_ids=inputs.to(model.device), use_cache=False).logits.float().flatten(0, 1)
    return functional.cross_entropy(logits, targets.flatten().to(model.device), ignore_index=_IGNORED, reduction="sum")
