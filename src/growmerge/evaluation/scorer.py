"""Score the texts of benchmark items with a model: one row per (benchmark, language, item, candidate)."""

from collections.abc import Mapping, Sequence

import pyarrow as pa
from tokenizers import Tokenizer
from transformers import PreTrainedModel

from growmerge.errors import GrowmergeError
from growmerge.evaluation.engine import TOKENS_PER_BATCH, Request, log_likelihoods, max_positions
from growmerge.evaluation.items import PARITY_REFERENCE, Item

# Part of the identity of every score: raise it whenever the same model and items would get other numbers.
SCORER_VERSION = 1

SCORE_SCHEMA = pa.schema(
    [
        ("benchmark", pa.string()),
        ("language", pa.string()),
        ("item", pa.string()),
        ("subset", pa.string()),
        ("candidate", pa.int32()),
        ("logprob", pa.float64()),
        ("tokens", pa.int32()),
        ("characters", pa.int32()),
    ]
)


def score_items(
    model: PreTrainedModel,
    tokenizer: Tokenizer,
    items_by_cell: Mapping[tuple[str, str], Sequence[Item]],
    *,
    bos_id: int,
    tokens_per_batch: int = TOKENS_PER_BATCH,
) -> pa.Table:
    """Return a table of SCORE_SCHEMA with the summed natural-log probability of every text of every item.

    The keys of `items_by_cell` are (benchmark, language). The texts of an item are its candidates, numbered from 0; in
    a cell of the benchmark "parity_reference" there is one, the item's reference. A text is encoded without special
    tokens and scored after a single BOS, so that all of its tokens count. `tokens` and `characters` (Unicode code
    points) are the text's own, without BOS.

    All cells go through the engine together: fewer, fuller batches, and a text that occurs twice is scored once.

    Raises GrowmergeError for a text without tokens, a parity item without reference, and what the engine refuses.
    """
    rows = [
        (benchmark, language, item, candidate, text)
        for (benchmark, language), items in items_by_cell.items()
        for item in items
        for candidate, text in enumerate(_texts(benchmark, language, item))
    ]
    encodings = _plain(tokenizer).encode_batch([text for *_, text in rows], add_special_tokens=False)
    tokens = [tuple(encoding.ids) for encoding in encodings]
    longest = max_positions(model)
    for (benchmark, language, item, candidate, _), ids in zip(rows, tokens, strict=True):
        if not ids:
            raise GrowmergeError(f"{benchmark}/{language}: text {candidate} of item {item.id} has no tokens.")
        if len(ids) > longest:
            raise GrowmergeError(
                f"{benchmark}/{language}: text {candidate} of item {item.id} has {len(ids)} tokens, but the model has "
                f"{longest} positions; leave long sentences out (benchmarks: max_words)."
            )
    logprobs = log_likelihoods(model, [Request((bos_id,), ids) for ids in tokens], tokens_per_batch=tokens_per_batch)
    columns = {
        "benchmark": [benchmark for benchmark, *_ in rows],
        "language": [language for _, language, *_ in rows],
        "item": [item.id for _, _, item, *_ in rows],
        "subset": [item.subset for _, _, item, *_ in rows],
        "candidate": [candidate for *_, candidate, _ in rows],
        "logprob": logprobs,
        "tokens": [len(ids) for ids in tokens],
        "characters": [len(text) for *_, text in rows],
    }
    return pa.table(columns, schema=SCORE_SCHEMA)


def _texts(benchmark: str, language: str, item: Item) -> tuple[str, ...]:
    if benchmark != PARITY_REFERENCE:
        return item.candidates
    if item.reference is None:
        raise GrowmergeError(f"{benchmark}/{language}: item {item.id} has no reference sentence.")
    return (item.reference,)


def _plain(tokenizer: Tokenizer) -> Tokenizer:
    """Return `tokenizer`, or a copy if its file asks for padding or truncation, which would change the scored text."""
    if tokenizer.padding is None and tokenizer.truncation is None:
        return tokenizer
    plain = Tokenizer.from_str(tokenizer.to_str())
    plain.no_padding()
    plain.no_truncation()
    return plain
