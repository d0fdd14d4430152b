"""The texts of benchmark items as requests to a model, one for each candidate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
from tokenizers import Tokenizer

from growmerge import ids
from growmerge.benchmarks.items import Item
from growmerge.errors import GrowmergeError
from growmerge.evaluation.request import Request

TEXT_SCHEMA = pa.schema(
    [
        ("benchmark", pa.string()),
        ("language", pa.string()),
        ("item", pa.string()),
        ("subset", pa.string()),
        ("candidate", pa.int32()),
        ("tokens", pa.int32()),
        ("characters", pa.int32()),
        ("bytes", pa.int32()),
    ]
)


@dataclass(frozen=True)
class EncodedItems:
    """Texts, a row of TEXT_SCHEMA each, and the request that scores each: good for every model of one tokenizer."""

    texts: pa.Table
    requests: Sequence[Request]


def encode_items(
    tokenizer: Tokenizer, items_by_cell: Mapping[tuple[str, str], Sequence[Item]], *, bos_id: int
) -> EncodedItems:
    """Tokenize every text of every item; the keys of `items_by_cell` are (benchmark, language).

    `tokenizer` is a plain one, as `load_tokenizer` gives it: a special token that is written in a text is text, where
    lm-evaluation-harness takes it for the token. In all other texts the two agree.

    The texts of an item are its candidates, numbered from 0. In a cell of English sides, such as "parity_reference"
    (see `ids.parity_reference`), there is one, the item's reference. A text stands after a single BOS and the item's
    context, encoded without special tokens.

    With a context, both are encoded together and cut after as many tokens as the context has by itself; spaces at its
    end go over to the candidate. That is lm-evaluation-harness's way (`_encode_pair`), and so are the lengths that
    normalise: `tokens` are those scored, `characters` (Unicode code points) the candidate's without leading spaces.
    `bytes` are those of all the candidate in UTF-8. Without a context, all of the text is scored.

    Raises GrowmergeError for a text without tokens, an item without candidates and a parity item without reference.
    """
    rows = [
        (benchmark, language, item, candidate, text)
        for (benchmark, language), items in items_by_cell.items()
        for item in items
        for candidate, text in enumerate(_texts(benchmark, language, item))
    ]
    contexts = list(dict.fromkeys(_context(row[0], row[2]) for row in rows))
    context_ids = dict(zip(contexts, _ids(tokenizer, [context.rstrip() for context in contexts]), strict=True))
    whole_ids = _ids(tokenizer, [_context(benchmark, item) + text for benchmark, _, item, _, text in rows])
    requests = []
    for (benchmark, language, item, candidate, _), whole in zip(rows, whole_ids, strict=True):
        before = context_ids[_context(benchmark, item)]
        request = Request((bos_id, *before), whole[len(before) :])
        if not request.continuation:
            raise GrowmergeError(f"{benchmark}/{language}: text {candidate} of item {item.id} has no tokens.")
        requests.append(request)
    columns = {
        "benchmark": [benchmark for benchmark, *_ in rows],
        "language": [language for _, language, *_ in rows],
        "item": [item.id for _, _, item, *_ in rows],
        "subset": [item.subset for _, _, item, *_ in rows],
        "candidate": [candidate for *_, candidate, _ in rows],
        "tokens": [len(request.continuation) for request in requests],
        "characters": [len(text.lstrip()) for *_, text in rows],
        "bytes": [len(text.encode()) for *_, text in rows],
    }
    return EncodedItems(pa.table(columns, schema=TEXT_SCHEMA), requests)


def _texts(benchmark: str, language: str, item: Item) -> tuple[str, ...]:
    if ids.is_parity_reference(benchmark):
        if item.reference is None:
            raise GrowmergeError(f"{benchmark}/{language}: item {item.id} has no reference sentence.")
        return (item.reference,)
    if not item.candidates:
        raise GrowmergeError(f"{benchmark}/{language}: item {item.id} has no candidates to score.")
    return item.candidates


def _context(benchmark: str, item: Item) -> str:
    """What stands before an item's texts; the reference of a parity item stands by itself."""
    return "" if ids.is_parity_reference(benchmark) else item.context


def _ids(tokenizer: Tokenizer, texts: list[str]) -> list[tuple[int, ...]]:
    return [tuple(encoding.ids) for encoding in tokenizer.encode_batch_fast(texts, add_special_tokens=False)]
