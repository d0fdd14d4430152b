"""Translations of benchmark items by a model, each with its reference and the statistics of its chrF++."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
from tokenizers import Tokenizer
from transformers import PreTrainedModel

from growmerge.benchmarks.few_shot import split_examples
from growmerge.benchmarks.items import Item
from growmerge.benchmarks.parallel import source_of
from growmerge.catalogue.entry import Decoding
from growmerge.errors import GrowmergeError
from growmerge.evaluation.chrf import chrf, count
from growmerge.evaluation.generation import Prompt, generate

# One row an item. `counts` are the statistics of `growmerge.evaluation.chrf`, whose sum is that of a corpus; `chrf` is
# the score of the sentence by itself, 0 to 100; `ended` and `lost_examples` as in `generation.Generated`.
TRANSLATION_SCHEMA = pa.schema(
    [
        ("benchmark", pa.string()),
        ("language", pa.string()),
        ("item", pa.string()),
        ("source", pa.string()),
        ("reference", pa.string()),
        ("hypothesis", pa.string()),
        ("chrf", pa.float64()),
        ("counts", pa.list_(pa.int32())),
        ("ended", pa.bool_()),
        ("lost_examples", pa.int32()),
    ]
)


def translate(
    model: PreTrainedModel,
    tokenizer: Tokenizer,
    cell: tuple[str, str],
    items: Sequence[Item],
    decoding: Decoding,
    *,
    begin_id: int,
    end_id: int,
    tokens_per_batch: int,
) -> pa.Table:
    """Return a table of TRANSLATION_SCHEMA for the items of a cell (benchmark, language); see `generate`.

    Raises GrowmergeError for an item that has candidates to choose from, so that nothing is to be generated, and what
    `generate` raises.
    """
    benchmark, language = cell
    for item in items:
        if item.candidates or item.reference is None:
            raise GrowmergeError(
                f"{benchmark}/{language}: item {item.id} has candidates, or no reference: nothing is to be generated; "
                "build the benchmark again"
            )
    references = [item.reference or "" for item in items]
    try:
        found = generate(
            model,
            tokenizer,
            [Prompt(item.id, item.context) for item in items],
            decoding,
            begin_id=begin_id,
            end_id=end_id,
            tokens_per_batch=tokens_per_batch,
        )
    except GrowmergeError as error:
        raise GrowmergeError(f"{benchmark}/{language}: {error}") from error
    counts = count([one.text for one in found], references)
    columns = {
        "benchmark": [benchmark] * len(items),
        "language": [language] * len(items),
        "item": [item.id for item in items],
        "source": [source_of(split_examples(item.context)[-1]) for item in items],
        "reference": references,
        "hypothesis": [one.text for one in found],
        "chrf": chrf(counts),
        "counts": list(counts),
        "ended": [one.ended for one in found],
        "lost_examples": [one.lost_examples for one in found],
    }
    return pa.table(columns, schema=TRANSLATION_SCHEMA)
