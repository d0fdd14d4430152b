"""The tokenizer: a byte-level BPE trained here, or an existing one. Each becomes a folder that transformers loads."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from growmerge.data import llama3
from growmerge.errors import GrowmergeError
from growmerge.hub import download

END_OF_TEXT = "<|endoftext|>"
# Whatever kind of tokenizer transformers can turn into a fast one.
TOKENIZER_PATTERNS = (
    "config.json",
    "tokenizer*",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.*",
    "merges.txt",
    "*.model",
    "chat_template.jinja",
)


def use_threads(count: int) -> None:
    """Encode and train with so many threads; called before this process first does."""
    os.environ["RAYON_NUM_THREADS"] = str(count)  # tokenizers reads it then


def train_tokenizer(texts: Iterable[str], vocab_size: int) -> Tokenizer:
    """A byte-level BPE. Its one special token, id 0, separates documents and begins a scored text.

    Byte-level: any language can be encoded, also one that was not in its training text.
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
    tokenizer.train_from_iterator(texts, trainer)
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
    from transformers import AutoTokenizer

    key = f"tokenizer.pretrained = {name!r}"
    try:
        source = Path(name) if Path(name).is_dir() else download(name, revision, TOKENIZER_PATTERNS, ["*/*"])
    except GrowmergeError as error:
        raise GrowmergeError(
            f"{key}: {error}; or give the path of a local folder; or, for Llama 3's, `pretrained: null` and "
            "`package: llama-models`"
        ) from error
    try:
        tokenizer = AutoTokenizer.from_pretrained(source, trust_remote_code=False)
    except (OSError, ValueError) as error:
        reason = str(error).strip().splitlines()[0]
        raise GrowmergeError(f"{key}: holds no tokenizer that transformers can read: {reason}") from error
    tokenizer.save_pretrained(folder)


def take_llama3_tokenizer(package: Path, folder: Path) -> None:
    """Write Llama 3's tokenizer, from the wheel of `llama-models` in the folder `package`, into `folder`.

    A document ends with <|end_of_text|>, the base models' token, not with <|eot_id|>, the chat models'.

    Raises GrowmergeError for a package without it (see `growmerge.data.llama3`).
    """
    save_tokenizer(llama3.llama3_tokenizer(package), folder, llama3.BEGIN, llama3.END)


def check_size(folder: Path, vocab_size: int) -> int:
    """Entries of the tokenizer in `folder`. Raises GrowmergeError if the embedding has fewer rows."""
    entries = load_tokenizer(folder)[0].get_vocab_size()
    if entries > vocab_size:
        raise GrowmergeError(
            f"tokenizer.vocab_size = {vocab_size}: the tokenizer has {entries} entries; raise it to that"
        )
    return entries


def load_tokenizer(folder: Path) -> tuple[Tokenizer, int, int]:
    """(tokenizer, id that begins a text, id that ends a document) of a tokenizer or model folder.

    Where a tokenizer has no token for the beginning of a text, its end-of-document token serves, as in training.
    """
    path = Path(folder) / "tokenizer.json"
    if not path.exists():
        raise GrowmergeError(f"{folder}: has no tokenizer.json; a fast tokenizer is needed")
    tokenizer = Tokenizer.from_file(str(path))
    settings = Path(folder) / "tokenizer_config.json"
    if not settings.exists():
        raise GrowmergeError(
            f"{folder}: has no tokenizer_config.json, which names the tokens that begin and end a text"
        )
    config = json.loads(settings.read_text(encoding="utf-8"))
    ids = [_special_id(tokenizer, config.get(key)) for key in ("bos_token", "eos_token")]
    begin, end = ids[0] if ids[0] is not None else ids[1], ids[1] if ids[1] is not None else ids[0]
    if begin is None or end is None:
        raise GrowmergeError(f"{folder}: tokenizer_config.json names neither a bos_token nor an eos_token")
    return tokenizer, begin, end


def same_vocabulary(a: Path, b: Path) -> bool:
    """Whether two tokenizer or model folders give every token the same id, so that one's shards train the other."""
    return load_tokenizer(a)[0].get_vocab() == load_tokenizer(b)[0].get_vocab()


def _special_id(tokenizer: Tokenizer, token: str | dict[str, str] | None) -> int | None:
    text = token.get("content") if isinstance(token, dict) else token
    return tokenizer.token_to_id(text) if text else None
