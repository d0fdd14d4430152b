"""A tokenizer of made-up words: what needs one gets it, though only token ids are measured."""

from __future__ import annotations

from tokenizers import Tokenizer, models
from transformers import PreTrainedTokenizerFast

BOS = 0


def tokenizer() -> PreTrainedTokenizerFast:
    """The token BOS that begins and ends texts, and one for all else."""
    words = Tokenizer(models.WordLevel({"<bos>": BOS, "<unk>": 1}, unk_token="<unk>"))
    return PreTrainedTokenizerFast(tokenizer_object=words, bos_token="<bos>", eos_token="<bos>", pad_token="<bos>")
