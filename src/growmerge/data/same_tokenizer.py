"""Whether two tokenizers are the same: by what they make of text, not by how their files are written."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from growmerge.artifacts import Manifest
from growmerge.data.tokenizer import read_tokenizer

# What normalizers and pre-tokenizers treat specially: runs of spaces, line breaks, digits, contractions, capitals,
# accents (composed and decomposed), ligatures, full-width forms, scripts without spaces, joined emoji, a control sign.
PROBES = (
    "  two  spaces\tand\n\n\n lines \r\n ",
    "3.14159, 1000000 and 12:30; don't, DON'T, we'LL",
    "Ö ö O\u0308 o\u0308 ﬁ Ⅷ ２３ ß İ ǅ straße_x-y/z",
    "我喜欢猫。猫が好きです。ฉันชอบแมว 나는 고양이를 \u1102\u1161",
    "می\u200cخواهم گربه‌ها، أُحِبُّ القِطَطَ",
    "👩\u200d👩\u200d👧 e\u0301\u00a0x\u200by\x00z",
)
_ROW = 64  # entries whose texts follow one another in one text
_AT_ONCE = 64 * _ROW  # entries that are encoded at a time


def tokenizer_difference(one: Path, other: Path) -> str:
    """How the tokenizers of two tokenizer or model folders differ, to follow a colon; empty if they are the same.

    They are the same if every entry has the same id, merges (or scores) are the same in the same order, and the texts
    of all entries, alone and in a row, and `PROBES` become the same ids. So formatting, the version of the file and
    what no shard depends on (decoder, post-processor, truncation, padding) do not matter; nor do the names of the
    tokens that begin and end a text.

    Raises GrowmergeError for a folder without a tokenizer.json that can be read.
    """
    files = [Path(folder) / "tokenizer.json" for folder in (one, other)]
    if all(map(Path.is_file, files)) and files[0].read_bytes() == files[1].read_bytes():
        return ""
    here, there = map(_read, (one, other))
    return _entries(here, there) or _merges(here, there) or _encodings(here, there)


def tokenizers_of(manifest: Manifest) -> list[Path]:
    """The folders of the tokenizers that an artifact, such as a token shard, was made with."""
    return sorted(Path(name) for name in manifest.inputs if Path(name).name == "tokenizer")


def _read(folder: Path) -> Tokenizer:
    tokenizer = read_tokenizer(folder)
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def _entries(here: Tokenizer, there: Tokenizer) -> str:
    entries = here.get_vocab(), there.get_vocab()
    if entries[0] == entries[1]:
        return ""
    token, _ = min(entries[0].items() ^ entries[1].items())
    ids = [vocabulary.get(token, "none") for vocabulary in entries]
    return f"the id of {token!r} is {ids[0]} here and {ids[1]} there"


def _merges(here: Tokenizer, there: Tokenizer) -> str:
    """Two merges that are exchanged can change texts that no probe holds, so they are compared themselves."""
    models = _model(here), _model(there)
    for key, what in {"type": "models", "merges": "merges", "vocab": "scores of entries"}.items():
        if models[0].get(key) != models[1].get(key):
            return f"their {what} differ"
    return ""


def _model(tokenizer: Tokenizer) -> dict[str, Any]:
    """The canonical form of its model, in which merges are pairs, however the file writes them."""
    model: dict[str, Any] = json.loads(tokenizer.to_str())["model"]
    return model


def _encodings(here: Tokenizer, there: Tokenizer) -> str:
    for texts in _texts(here):
        encoded = [tokenizer.encode_batch(texts, add_special_tokens=False) for tokenizer in (here, there)]
        for text, one, other in zip(texts, *encoded, strict=True):
            if one.ids != other.ids:
                return f"{text!r} becomes {one.tokens} here and {other.tokens} there"
    return ""


def _texts(tokenizer: Tokenizer) -> Iterator[list[str]]:
    yield list(PROBES)
    ids = sorted(tokenizer.get_vocab().values())
    for first in range(0, len(ids), _AT_ONCE):
        some = ids[first : first + _AT_ONCE]
        rows = [some[start : start + _ROW] for start in range(0, len(some), _ROW)]
        yield tokenizer.decode_batch([*([i] for i in some), *rows], skip_special_tokens=False)
