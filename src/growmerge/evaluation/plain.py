"""A tokenizer that encodes texts as they are."""

from __future__ import annotations

from tokenizers import Tokenizer


def plain(tokenizer: Tokenizer) -> Tokenizer:
    """Return `tokenizer`, or a copy if its file asks for padding or truncation, which would change the text."""
    if tokenizer.padding is None and tokenizer.truncation is None:
        return tokenizer
    copy = Tokenizer.from_str(tokenizer.to_str())
    copy.no_padding()
    copy.no_truncation()
    return copy
