"""What the tokenizer makes of each language's held-out text: what a text costs, and how much of the vocabulary it uses.

Known before anything is trained. Why it matters: a language whose text is cut into more tokens is trained on less text
for the same compute, and fits less into a context (Petrov et al. 2023, arXiv 2305.15425).
"""

from __future__ import annotations

import json
import logging
import re
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import pandas as pd
from tokenizers import Tokenizer

from growmerge.artifacts import verify
from growmerge.data.documents import BATCH
from growmerge.data.llama3 import BYTE_CHARACTERS
from growmerge.data.split import first_bytes, read_heldout
from growmerge.data.tokenizer import plain, read_tokenizer
from growmerge.data.words import count_words
from growmerge.frames import write_frame
from growmerge.study.tokenizer import MOST_TIMES_ENGLISH

logger = logging.getLogger(__name__)

COLUMNS = (
    *("language", "documents", "bytes", "words", "tokens"),
    *("bytes_per_token", "tokens_per_word", "fragments", "vocabulary", "times_english"),
)
MOST_BYTES = 2_000_000  # of the text of a language, in UTF-8: the shares of tokens do not change any more
_BYTE_TOKEN = re.compile(r"<0x[0-9A-F]{2}>")  # what SentencePiece falls back to
_BYTES = {character: byte for byte, character in enumerate(BYTE_CHARACTERS)}


def write_tokenizer_table(
    tokenizer: Path, documents: Mapping[str, Sequence[Path]], english: str, parquet: Path
) -> None:
    """The table in `parquet`, and a .csv beside it: a row for each language in `documents`, columns `COLUMNS`.

    `documents` maps languages to the documents folders whose held-out text is read, up to `MOST_BYTES` of it. A
    language without such text is a hole: a row without numbers. Logs a warning for each hole, and for each language
    that takes more than `MOST_TIMES_ENGLISH` times as many tokens a byte as `english` does.

    Raises GrowmergeError for a damaged tokenizer or text.
    """
    start = time.monotonic()
    verify(tokenizer)
    measure = Measure(read_tokenizer(tokenizer))
    rows = {
        language: measure.of(first_bytes(read_heldout(folders), MOST_BYTES)) for language, folders in documents.items()
    }
    table = pd.DataFrame([{"language": language} | row for language, row in rows.items()], columns=list(COLUMNS))
    level = table.loc[table["language"] == english, "bytes_per_token"].item()
    table["times_english"] = level / table["bytes_per_token"]
    shards = dict.fromkeys(folder for folders in documents.values() for folder in folders)
    write_frame(table, parquet, [tokenizer, *shards], {"english": english}, {"most_bytes": MOST_BYTES}, start)
    for row in table.itertuples():
        if not row.tokens:
            logger.warning("%s: nothing is held out, so it is not known what the tokenizer makes of it", row.language)
        elif row.times_english > MOST_TIMES_ENGLISH:
            logger.warning(
                "%s: takes %.1f times as many tokens a byte as English; a tokenizer that is trained on its text, too "
                "(`tokenizer.corpora`), or a larger `vocab_size`, makes its training cheaper",
                *(row.language, row.times_english),
            )


class Measure:
    """Measures texts by a tokenizer, which is changed to encode them as they stand."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = plain(tokenizer)
        about = json.loads(tokenizer.to_str())
        self._is_byte_level = "ByteLevel" in json.dumps(about["decoder"])
        model = about["model"]
        self._falls_back = bool(model.get("byte_fallback"))
        self._unknown = {model.get("unk_id"), tokenizer.token_to_id(model.get("unk_token") or "")} - {None}

    def of(self, texts: Iterable[str]) -> dict[str, Any]:
        """The columns of `COLUMNS` that one language has for itself; shares of nothing are NaN.

        `words` are what stands between spaces, or a number of characters in scripts without spaces (`count_words`).
        `fragments` is the share of tokens that are no text of their own: the unknown token, and tokens of bytes that
        are only part of a character. `vocabulary` is the share of the tokenizer's entries that occur.
        """
        documents = size = words = 0
        counts: Counter[int] = Counter()
        texts = iter(texts)
        while batch := list(islice(texts, BATCH)):
            documents += len(batch)
            size += sum(len(text.encode()) for text in batch)
            words += sum(count_words(text, numbers=True) for text in batch)
            for encoding in self._tokenizer.encode_batch_fast(batch, add_special_tokens=False):
                counts.update(encoding.ids)
        tokens = counts.total()
        fragments = sum(count for token, count in counts.items() if self.is_fragment(token))
        return {
            **{"documents": documents, "bytes": size, "words": words, "tokens": tokens},
            "bytes_per_token": _share(size, tokens),
            "tokens_per_word": _share(tokens, words),
            "fragments": _share(fragments, tokens),
            "vocabulary": _share(len(counts), self._tokenizer.get_vocab_size() if counts else 0),
        }

    def is_fragment(self, token: int) -> bool:
        """Whether a token is unknown, or of bytes that are no whole characters in UTF-8."""
        if token in self._unknown:
            return True
        text = self._tokenizer.id_to_token(token) or ""
        if self._falls_back and _BYTE_TOKEN.fullmatch(text):
            return True
        if not self._is_byte_level or not _BYTES.keys() >= set(text):
            return False
        try:
            bytes(_BYTES[character] for character in text).decode()
        except UnicodeDecodeError:
            return True
        return False


def _share(part: int, whole: int) -> float:
    return part / whole if whole else float("nan")
