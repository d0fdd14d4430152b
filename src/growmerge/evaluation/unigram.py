"""The scores of a unigram model: the probability of a text is the product of those of its tokens, in any order."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from growmerge.artifacts import MANIFEST, elapsed, replacing, verify, write_manifest
from growmerge.benchmarks.items import ITEMS, read_items
from growmerge.data.token_counts import read_token_counts
from growmerge.data.tokenizer import load_tokenizer
from growmerge.evaluation.encode import encode_items
from growmerge.evaluation.request import Request
from growmerge.evaluation.scorer import SCORE_SCHEMA
from growmerge.evaluation.scores import Cell

logger = logging.getLogger(__name__)


def unigram_logprobs(counts: NDArray[np.int64], requests: Sequence[Request]) -> NDArray[np.float64]:
    """The natural-log probability of each continuation, shape (len(requests),); contexts tell it nothing.

    `counts` [vocabulary] are those of the tokens in a text. One is added to each (Laplace's rule of succession), so
    that a token that the text lacks is not impossible.
    """
    logs = np.log((counts + 1.0) / (counts.sum() + counts.size))
    # Sorted: texts of the same tokens get the same number, and so are ties.
    return np.array([logs[np.sort(request.continuation)].sum() for request in requests], dtype=np.float64)


def score_unigram(folder: Path, tokenizer: Path, counts: Mapping[str, Path], cells: Mapping[Cell, Path]) -> None:
    """Write the scores of `cells` ((benchmark, language) -> benchmark folder) to `folder`/items.parquet.

    Each language is scored by the counts of its own text, `counts`[language], an artifact of
    `growmerge.data.token_counts`. The columns are those of all scores. Raises GrowmergeError for a damaged input.
    """
    start = time.monotonic()
    inputs = [tokenizer, *counts.values(), *cells.values()]
    for source in inputs:
        verify(source)
    plain, begin_id, _ = load_tokenizer(tokenizer)
    tables = []
    for (benchmark, language), source in cells.items():
        encoded = encode_items(plain, {(benchmark, language): read_items(source / ITEMS)}, bos_id=begin_id)
        logprobs = unigram_logprobs(read_token_counts(counts[language]), encoded.requests)
        cut = np.zeros(len(logprobs), dtype=np.int32)
        tables.append(pa.table([*encoded.texts.columns, pa.array(cut), pa.array(logprobs)], schema=SCORE_SCHEMA))
    with replacing(folder / ITEMS) as temporary:
        pq.write_table(pa.concat_tables([SCORE_SCHEMA.empty_table(), *tables]), temporary)
    write_manifest(folder / MANIFEST, [ITEMS], inputs=inputs, seconds=elapsed(start))
    logger.info("%s: scored %d cells", folder, len(cells))
