"""Score the texts of benchmark items with a model: one row per (benchmark, language, item, candidate)."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from tokenizers import Tokenizer
from transformers import PreTrainedModel

from growmerge.benchmarks.items import Item
from growmerge.errors import GrowmergeError
from growmerge.evaluation.encode import TEXT_SCHEMA, EncodedItems, encode_items
from growmerge.evaluation.engine import TOKENS_PER_BATCH, RequestTooLargeError, log_likelihoods, max_positions

# Part of the identity of every score: raise it whenever the same model and items would get other numbers or columns.
SCORER_VERSION = 5

_LEAVE_OUT = (
    "leave it out: by `max_words` of parity, by smaller `piece_bytes` of bits per byte, by rows of your own without it "
    "in the benchmark's `sources`, or by `languages` without this one"
)

logger = logging.getLogger(__name__)

SCORE_SCHEMA = TEXT_SCHEMA.append(pa.field("cut", pa.int32())).append(pa.field("logprob", pa.float64()))


def score_items(
    model: PreTrainedModel,
    tokenizer: Tokenizer,
    items_by_cell: Mapping[tuple[str, str], Sequence[Item]],
    *,
    bos_id: int,
    tokens_per_batch: int = TOKENS_PER_BATCH,
) -> pa.Table:
    """Return a table of SCORE_SCHEMA with the log-probability of every text of every item.

    See `encode_items` and `score_encoded`, which this calls; several models of one tokenizer need the first only once.
    """
    return score_encoded(model, encode_items(tokenizer, items_by_cell, bos_id=bos_id), tokens_per_batch)


def score_encoded(model: PreTrainedModel, encoded: EncodedItems, tokens_per_batch: int = TOKENS_PER_BATCH) -> pa.Table:
    """Return a table of SCORE_SCHEMA: the texts, and the summed natural-log probability of each.

    Per token or character it is `logprob` over the column of that name. `cut` counts the tokens that a context lost,
    from its left end (BOS first), to fit into the model. All cells go through the engine together: fewer, fuller
    batches, and a text that occurs twice is scored once. Texts that get NaN, as the model's logits are, are counted in
    the log.

    Raises GrowmergeError for a text that alone is too long for the model, and what the engine refuses.
    """
    longest = max_positions(model)
    for index, request in enumerate(encoded.requests):
        if len(request.continuation) > longest:
            raise GrowmergeError(
                f"{_text(encoded, index)} has {len(request.continuation)} tokens, but the model has {longest} "
                f"positions; {_LEAVE_OUT}"
            )
    cut = pa.array([request.excess(longest) for request in encoded.requests], pa.int32())
    try:
        logprobs = log_likelihoods(model, encoded.requests, tokens_per_batch=tokens_per_batch)
    except RequestTooLargeError as error:
        raise GrowmergeError(
            f"{_text(encoded, error.number)}: out of memory at its {error.tokens} tokens; give the job more memory, or "
            f"{_LEAVE_OUT}"
        ) from error
    if len(unknown := np.flatnonzero(np.isnan(logprobs))):
        cells = sorted({_cell(text) for text in encoded.texts.take(unknown).to_pylist()})
        logger.warning(
            "%d of %d texts have no log-probability, as the model's logits are not numbers (NaN): some of %s",
            *(len(unknown), len(logprobs), ", ".join(cells)),
        )
    return pa.table([*encoded.texts.columns, cut, pa.array(logprobs)], schema=SCORE_SCHEMA)


def _cell(text: Mapping[str, Any]) -> str:
    return f"{text['benchmark']}/{text['language']}"


def _text(encoded: EncodedItems, index: int) -> str:
    text = encoded.texts.slice(index, 1).to_pylist()[0]
    return f"{_cell(text)}: text {text['candidate']} of item {text['item']}"
