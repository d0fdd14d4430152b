"""The tokenizer: a byte-level BPE trained here, or an existing one. Each becomes a folder that transformers loads."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from growmerge.config.corpora import TOKENIZER_PATTERNS
from growmerge.data import llama3
from growmerge.errors import GrowmergeError
from growmerge.hub import download, refuse_links_to_elsewhere

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

END_OF_TEXT = "<|endoftext|>"


def use_threads(count: int) -> None:
    """Encode and train with so many threads; called before this process first does."""
    os.environ["RAYON_NUM_THREADS"] = str(count)  # tokenizers reads it then


def train_tokenizer(texts: Iterable[str], vocab_size: int) -> Tokenizer:
    """A byte-level BPE. Its one special token, id 0, separates documents and begins a scored text.

    Byte-level: any language can be encoded, also one that was not in its training text.

    Raises GrowmergeError if there is no text: only the bytes would be entries.
    """
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        special_tokens=[END_OF_TEXT],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    size = 0

    def counted() -> Iterator[str]:
        nonlocal size
        for text in texts:
            size += len(text)
            yield text

    tokenizer.train_from_iterator(counted(), trainer)
    if not size:
        raise GrowmergeError(
            "tokenizer.corpora: there is no text in them to train a tokenizer on; name corpora that have training text"
        )
    return tokenizer


def save_tokenizer(tokenizer: Tokenizer, folder: Path, begin: str = END_OF_TEXT, end: str = END_OF_TEXT) -> None:
    """Write tokenizer.json and the tokenizer_config.json that transformers' AutoTokenizer reads.

    `begin` is the token that begins a text, `end` the one that ends a document.
    """
    tokenizer.save(str(folder / "tokenizer.json"))
    config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": begin,
        "eos_token": end,
        "clean_up_tokenization_spaces": False,
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=1) + "\n", encoding="utf-8")


def take_tokenizer(name: str, revision: str | None, folder: Path) -> None:
    """Copy a pretrained fast tokenizer, by local folder or hub id, into `folder`.

    Raises GrowmergeError if it cannot be had (no such folder, no network, a gated repository).
    """
    key = f"tokenizer.pretrained = {name!r}"
    try:
        if Path(name).is_dir():
            source = Path(name)
            refuse_links_to_elsewhere(source, TOKENIZER_PATTERNS)
        else:
            source = download(name, revision, TOKENIZER_PATTERNS, ["*/*"])
    except GrowmergeError as error:
        raise GrowmergeError(
            f"{key}: {error}; or give the path of a local folder; or, for Llama 3's, `pretrained: null` and "
            "`package: llama-models`"
        ) from error
    _as_transformers_reads(source, key).save_pretrained(folder)


def take_llama3_tokenizer(package: Path, folder: Path) -> None:
    """Write Llama 3's tokenizer, from the wheel of `llama-models` in the folder `package`, into `folder`.

    A document ends with <|end_of_text|>, the base models' token, not with <|eot_id|>, the chat models'.

    Raises GrowmergeError for a package without it (see `growmerge.data.llama3`).
    """
    save_tokenizer(llama3.llama3_tokenizer(package), folder, llama3.BEGIN, llama3.END)


def check_size(folder: Path, vocab_size: int) -> int:
    """Entries of the tokenizer in `folder`. Raises GrowmergeError if the embedding has too few rows for its ids.

    Ids may have holes, so the largest id can exceed the number of entries.
    """
    ids = load_tokenizer(folder)[0].get_vocab().values()
    rows = max(ids) + 1
    if rows > vocab_size:
        raise GrowmergeError(
            f"tokenizer.vocab_size = {vocab_size}: the tokenizer has {len(ids)} entries with ids up to {rows - 1}; "
            f"raise it to {rows}"
        )
    return len(ids)


def plain(tokenizer: Tokenizer) -> Tokenizer:
    """`tokenizer`, changed so that it encodes a text as it stands, whatever its file says.

    Nothing is cut off (truncation) or added (padding), and the text of a special token, such as `<|endoftext|>` in a
    tutorial, is encoded like any other text. Special tokens enter a stream by their ids only.
    """
    tokenizer.no_truncation()
    tokenizer.no_padding()
    tokenizer.encode_special_tokens = True
    return tokenizer


def load_tokenizer(folder: Path) -> tuple[Tokenizer, int, int]:
    """(plain tokenizer, id that begins a text, id that ends a document) of a tokenizer or model folder.

    Which tokens these are is asked of transformers, which knows the files and the defaults of each class of
    tokenizers. If a tokenizer has no token for the beginning of a text, its end-of-document token serves, as in
    training; and the other way round.

    Raises GrowmergeError if the folder has no fast tokenizer, or one that has neither of these tokens.
    """
    tokenizer = plain(read_tokenizer(folder))
    theirs = _as_transformers_reads(folder, str(folder))
    # By their texts: transformers gives a token that tokenizer.json lacks a new id, for which there is no embedding.
    ids = [tokenizer.token_to_id(text) if text else None for text in (theirs.bos_token, theirs.eos_token)]
    begin, end = ids[0] if ids[0] is not None else ids[1], ids[1] if ids[1] is not None else ids[0]
    if begin is None or end is None:
        raise GrowmergeError(
            f"{folder}: the tokenizer has no token that begins or ends a text; name its bos_token or eos_token in "
            "tokenizer_config.json"
        )
    return tokenizer, begin, end


def special_texts(tokenizer: Tokenizer) -> list[str]:
    """The texts of the tokenizer's special tokens."""
    return [token.content for token in tokenizer.get_added_tokens_decoder().values() if token.special]


def read_tokenizer(folder: Path) -> Tokenizer:
    """The fast tokenizer of a folder. Raises GrowmergeError if there is none that can be read."""
    path = Path(folder) / "tokenizer.json"
    if not path.exists():
        raise GrowmergeError(f"{folder}: has no tokenizer.json; a fast tokenizer is needed")
    try:
        return Tokenizer.from_file(str(path))
    except Exception as error:  # `tokenizers` raises nothing more special
        raise GrowmergeError(f"{path}: cannot be read ({error}); build or download it again") from error


def _as_transformers_reads(folder: Path, name: str) -> PreTrainedTokenizerBase:
    from transformers import AutoTokenizer

    try:
        return AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
    except Exception as error:  # whatever a foreign tokenizer trips over is that folder's fault
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise GrowmergeError(f"{name}: holds no tokenizer that transformers can read: {reason}") from error
