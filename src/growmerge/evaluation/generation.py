"""What a model writes after prompts: one line each, decoded greedily or drawn, in batches."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from tokenizers import Tokenizer
from torch import Tensor
from transformers import (
    GenerationConfig,
    LogitsProcessor,
    LogitsProcessorList,
    PreTrainedModel,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

from growmerge.benchmarks.few_shot import split_examples
from growmerge.catalogue.entry import Decoding
from growmerge.errors import GrowmergeError
from growmerge.evaluation.engine import max_positions
from growmerge.hashing import unit_hash
from growmerge.models.memory import is_out_of_memory

# Part of the identity of every generated text: raise it whenever the same model and prompts would get others.
GENERATOR_VERSION = 1

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Prompt:
    """A prompt. Sampling of its continuation depends only on `id` and the seed."""

    id: str
    text: str


@dataclass(frozen=True)
class Generated:
    """A continuation up to its first line break, without space around it.

    `ended`: the model ended it, by a line break or its end-of-document token, within the most tokens that it may have.
    `lost_examples`: how many examples its prompt lost to fit into the model.
    """

    text: str
    ended: bool
    lost_examples: int


@dataclass(frozen=True)
class _Fitted:
    """A prompt in tokens."""

    ids: tuple[int, ...]
    prompt: Prompt
    lost_examples: int


@torch.inference_mode()
def generate(
    model: PreTrainedModel,
    tokenizer: Tokenizer,
    prompts: Sequence[Prompt],
    decoding: Decoding,
    *,
    begin_id: int,
    end_id: int,
    tokens_per_batch: int,
) -> list[Generated]:
    """Return the continuation of each prompt, in their order.

    `begin_id` is put before a prompt, and `end_id` ends a continuation; the generation settings that come with the
    model do not count. `tokens_per_batch` are positions, padding and new tokens included; where memory runs out it is
    halved for what is left, with a warning.

    Prompts are padded on the left, which the model does not see. A continuation depends on the model, the prompt and,
    where tokens are drawn, on the prompt's id and the seed; on other prompts of its batch by the rounding of fp32 only.
    The batches follow from the set of prompts, so their order does not matter at all.

    A prompt that does not fit into the model together with `decoding.max_new_tokens` loses examples from its left end,
    and the number of these prompts is logged. Raises GrowmergeError for one that does not fit without any, and for
    memory that does not suffice for one prompt.
    """
    fitted = _fit(tokenizer, prompts, begin_id, max_positions(model), decoding.max_new_tokens)
    # The longest prompt comes first, because it needs the most memory; prompts of similar length are next to each
    # other.
    pending = sorted(dict.fromkeys(fitted), key=lambda f: (-len(f.ids), f.ids, f.prompt.id))
    line_breaks = _line_breaks(tokenizer)
    settings = GenerationConfig(
        max_new_tokens=decoding.max_new_tokens,
        do_sample=False,  # `_Draw` draws
        eos_token_id=sorted({end_id, *line_breaks}),
        pad_token_id=begin_id,
    )
    found: dict[_Fitted, Generated] = {}
    slots = tokens_per_batch
    with _own_settings_aside(model):
        while pending:
            width = len(pending[0].ids) + decoding.max_new_tokens
            batch = pending[: max(1, slots // width)]
            try:
                new = _continue(model, batch, settings, decoding)
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
                new = None
            if new is None:  # the tensors of the failed pass are gone by now, with the error
                slots = _fewer(batch) * width
                continue
            for one, ids in zip(batch, new, strict=True):
                found[one] = _read(tokenizer, one, ids, end_id, line_breaks)
            pending = pending[len(batch) :]
    return [found[one] for one in fitted]


def _fit(
    tokenizer: Tokenizer, prompts: Sequence[Prompt], begin_id: int, positions: int, new_tokens: int
) -> list[_Fitted]:
    """The prompts in tokens, with as many of their examples as leave room for `new_tokens`."""
    encodings = tokenizer.encode_batch_fast([prompt.text for prompt in prompts], add_special_tokens=False)
    fitted = []
    for prompt, encoding in zip(prompts, encodings, strict=True):
        ids, lost = encoding.ids, 0
        examples = split_examples(prompt.text)
        while 1 + len(ids) + new_tokens > positions:
            lost += 1
            if lost == len(examples):
                raise GrowmergeError(
                    f"prompt {prompt.id} has {1 + len(ids)} tokens without examples, and {new_tokens} new ones do not "
                    f"fit into the model's {positions} positions with it; lower `max_new_tokens` of the benchmark, or "
                    "leave long sentences out (`max_words`)"
                )
            ids = tokenizer.encode("".join(examples[lost:]), add_special_tokens=False).ids
        fitted.append(_Fitted((begin_id, *ids), prompt, lost))
    if shortened := sum(one.lost_examples > 0 for one in fitted):
        logger.warning(
            "%d of %d prompts lost examples to fit into %d positions with %d new tokens",
            *(shortened, len(fitted), positions, new_tokens),
        )
    return fitted


def _continue(
    model: PreTrainedModel, batch: Sequence[_Fitted], settings: GenerationConfig, decoding: Decoding
) -> list[list[int]]:
    """The new tokens of each prompt; what follows an end is padding."""
    width = max(len(one.ids) for one in batch)
    ids = torch.zeros((len(batch), width), dtype=torch.long)
    seen = torch.zeros_like(ids)
    for row, one in enumerate(batch):
        ids[row, width - len(one.ids) :] = torch.tensor(one.ids)
        seen[row, width - len(one.ids) :] = 1
    processors = LogitsProcessorList()
    if decoding.temperature:
        processors.append(TemperatureLogitsWarper(decoding.temperature))
        if decoding.top_k:
            processors.append(TopKLogitsWarper(decoding.top_k))
        if decoding.top_p < 1:
            processors.append(TopPLogitsWarper(decoding.top_p))
        processors.append(_Draw([one.prompt.id for one in batch], decoding.seed, width))
    whole: Any = model  # mypy takes its method for a tensor
    new = whole.generate(
        input_ids=ids.to(model.device),
        attention_mask=seen.to(model.device),
        generation_config=settings,
        logits_processor=processors,
    )
    return new[:, width:].tolist()


class _Draw(LogitsProcessor):
    """Draws the next token of each row, and makes it the most probable one.

    transformers' own sampling takes all rows from one stream of random numbers, so that what a row gets depends on its
    place in the batch. Here the number is a hash of seed, prompt and place.
    """

    def __init__(self, prompts: Sequence[str], seed: int, start: int) -> None:
        self.prompts = prompts
        self.salt = f"draw:{seed}"
        self.start = start  # where the first new token stands

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        place = input_ids.shape[1] - self.start
        numbers = [unit_hash(f"{prompt}\0{place}", self.salt) for prompt in self.prompts]
        cumulative = scores.double().softmax(-1).cumsum(-1)
        # Of the whole, which is 1 but for rounding: so the last token is drawn, if any, and never one beyond.
        wanted = torch.tensor(numbers, dtype=torch.float64, device=scores.device)[:, None] * cumulative[:, -1:]
        drawn = torch.searchsorted(cumulative, wanted, right=True)
        return torch.full_like(scores, -torch.inf).scatter_(1, drawn, 0.0)


def _read(tokenizer: Tokenizer, one: _Fitted, ids: list[int], end_id: int, line_breaks: set[int]) -> Generated:
    end = next((place for place, token in enumerate(ids) if token == end_id or token in line_breaks), None)
    # Text may stand before the line break in its token.
    kept = ids if end is None else ids[: end + (ids[end] in line_breaks)]
    text = tokenizer.decode(kept).split("\n")[0].strip()
    return Generated(text, end is not None, one.lost_examples)


def _line_breaks(tokenizer: Tokenizer) -> set[int]:
    """The tokens with a line break in them: it is one byte in UTF-8, so no two tokens have to come together for one."""
    ids = sorted(tokenizer.get_vocab(with_added_tokens=True).values())
    texts = tokenizer.decode_batch([[token] for token in ids], skip_special_tokens=False)
    return {token for token, text in zip(ids, texts, strict=True) if "\n" in text}


@contextmanager
def _own_settings_aside(model: PreTrainedModel) -> Iterator[None]:
    """Ignore generation settings that come with a model, such as penalties: they would replace values not set here."""
    own = model.generation_config
    model.generation_config = GenerationConfig()
    try:
        yield
    finally:
        model.generation_config = own


def _fewer(batch: Sequence[_Fitted]) -> int:
    """Half as many prompts as a batch had. Raises GrowmergeError where it had one."""
    if len(batch) == 1:
        raise GrowmergeError(
            f"out of memory at the single prompt {batch[0].prompt.id} of {len(batch[0].ids)} tokens; give the job more "
            "memory, or lower `few_shot` or `max_new_tokens` of the benchmark"
        )
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    logger.warning("out of memory: batches of %d prompts, not %d, from here on", len(batch) // 2, len(batch))
    return len(batch) // 2
