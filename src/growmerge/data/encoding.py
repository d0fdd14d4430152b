"""Many texts as token ids: by fastokens, at ten times the speed, where it was found to give the same ids."""

from __future__ import annotations

import json
from array import array
from collections.abc import Callable, Sequence

import numpy as np
from tokenizers import Tokenizer, models

from growmerge.data.llama3 import PATTERN

# (ids of all texts in a row, uint32 [tokens]; where each text begins and the last ends, int64 [texts + 1])
Encoded = tuple[np.ndarray, np.ndarray]
Encode = Callable[[Sequence[str]], Encoded]

_WITHOUT_SPACE = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True}
# The pre-tokenizers for which tests/unit/test_encoding.py holds fastokens beside `tokenizers`: those of GPT-2, which
# tokenizers that are trained here have, too, and of Llama 3.
_COMPARED = [
    {**_WITHOUT_SPACE, "use_regex": True},
    {
        "type": "Sequence",
        "pretokenizers": [
            {"type": "Split", "pattern": {"Regex": PATTERN}, "behavior": "Isolated", "invert": False},
            {**_WITHOUT_SPACE, "use_regex": False},
        ],
    },
]


def fastest(tokenizer: Tokenizer) -> Encode:
    """What encodes texts as `tokenizer`, a plain one (see `growmerge.data.tokenizer.plain`), does.

    Uses as many threads as RAYON_NUM_THREADS says.
    """
    if _compared(tokenizer) and (fast := _by_fastokens(tokenizer)):
        return fast
    return by_tokenizers(tokenizer)


def by_tokenizers(tokenizer: Tokenizer) -> Encode:
    """Encodes with `tokenizer` itself."""

    def encode(texts: Sequence[str]) -> Encoded:
        ids, bounds = array("I"), [0]
        for encoding in tokenizer.encode_batch_fast(texts, add_special_tokens=False):
            ids.fromlist(encoding.ids)
            bounds.append(len(ids))
        return np.frombuffer(ids, dtype=np.uint32), np.array(bounds, dtype=np.int64)

    return encode


def _compared(tokenizer: Tokenizer) -> bool:
    """Whether the tokenizer is a byte-level BPE of a kind that was compared, and all its added tokens are special."""
    model, split = tokenizer.model, tokenizer.pre_tokenizer
    return (
        isinstance(model, models.BPE)
        and not (model.dropout or model.unk_token or model.fuse_unk or model.byte_fallback)
        and not (model.continuing_subword_prefix or model.end_of_word_suffix)
        and tokenizer.normalizer is None
        and split is not None
        and json.loads(split.__getstate__()) in _COMPARED
        and all(token.special for token in tokenizer.get_added_tokens_decoder().values())
    )


def _by_fastokens(tokenizer: Tokenizer) -> Encode | None:
    """Encodes with fastokens; None where it is not installed."""
    try:
        import fastokens
    except ImportError:
        return None
    fast = fastokens.Tokenizer.from_json_str(tokenizer.to_str())

    def encode(texts: Sequence[str]) -> Encoded:
        ids, bounds = fast.encode_batch_flat(list(texts), add_special_tokens=False, split_special_tokens=True)
        return np.frombuffer(ids, dtype="<u4"), np.frombuffer(bounds, dtype="<u8").astype(np.int64)

    return encode
