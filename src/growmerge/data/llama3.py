"""Llama 3's tokenizer, built from the ranks that the package `llama-models` carries: no gated repository is needed."""

from __future__ import annotations

import base64
import binascii
import zipfile
from collections.abc import Mapping
from pathlib import Path

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, processors

from growmerge.errors import GrowmergeError

RANKS = 128_000
MODEL = "llama3/tokenizer.model"
# How text is cut before it is merged, as in llama3/tokenizer.py of the package.
PATTERN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
BEGIN, END = "<|begin_of_text|>", "<|end_of_text|>"
# In the order of Llama 3.1 to 3.3; the package itself has other names for two of them.
SPECIAL = (
    BEGIN,
    END,
    "<|reserved_special_token_0|>",
    "<|reserved_special_token_1|>",
    "<|finetune_right_pad_id|>",
    "<|reserved_special_token_2|>",
    "<|start_header_id|>",
    "<|end_header_id|>",
    "<|eom_id|>",
    "<|eot_id|>",
    "<|python_tag|>",
    *(f"<|reserved_special_token_{i}|>" for i in range(3, 248)),
)


def llama3_tokenizer(package: Path) -> Tokenizer:
    """Llama 3's tokenizer from the ranks in the wheel of `llama-models` that lies in the folder `package`.

    128,256 entries: 128,000 of byte-level BPE and the 256 special tokens of Llama 3.1 to 3.3. As in the published
    tokenizer.json, two tokens merge wherever the ranks hold the two of them joined, those of the lowest rank first, and
    a text begins with <|begin_of_text|> where special tokens are asked for. The package is read, never imported; the
    ranks are under the Llama 3 Community License.

    Raises GrowmergeError if there is no wheel, no tokenizer.model of Llama 3 in it, or one with other ranks.
    """
    ranks = _read_ranks(package)
    tokenizer = Tokenizer(models.BPE(*_vocabulary_and_merges(ranks), ignore_merges=True))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(PATTERN), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(token, normalized=False, special=True) for token in SPECIAL])
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{BEGIN} $A",
        pair=f"{BEGIN} $A {BEGIN}:1 $B:1",
        special_tokens=[(BEGIN, tokenizer.token_to_id(BEGIN))],
    )
    return tokenizer


def _read_ranks(package: Path) -> dict[bytes, int]:
    """Tokens and their ranks from a wheel: lines of a base64 token and a number."""
    wheels = sorted(package.glob("*.whl"))
    if len(wheels) != 1:
        raise GrowmergeError(
            f"{package}: {len(wheels)} wheels; one is needed, that of llama-models; remove it and rerun"
        )
    advice = "see that tokenizer.package names llama-models, in a version that has Llama 3"
    try:
        with zipfile.ZipFile(wheels[0]) as archive:
            names = sorted(name for name in archive.namelist() if name.endswith(MODEL))
            if not names:
                raise GrowmergeError(f"{wheels[0]}: holds no {MODEL}; {advice}")
            lines = [line.split() for line in archive.read(names[0]).splitlines() if line.strip()]
        ranks = {base64.b64decode(token, validate=True): int(rank) for token, rank in lines}
    except (zipfile.BadZipFile, binascii.Error, ValueError) as error:
        raise GrowmergeError(f"{wheels[0]}: {MODEL} cannot be read ({error}); {advice}") from error
    if sorted(ranks.values()) != list(range(RANKS)):
        raise GrowmergeError(
            f"{wheels[0]}: {names[0]} has {len(ranks):,} ranks, not those from 0 to {RANKS - 1:,}; {advice}"
        )
    return ranks


def _vocabulary_and_merges(ranks: Mapping[bytes, int]) -> tuple[dict[str, int], list[tuple[str, str]]]:
    """A BPE model in the characters that stand for bytes: every pair of tokens that join to a third, by its rank."""
    text = {token: "".join(BYTE_CHARACTERS[byte] for byte in token) for token in ranks}
    merges: list[tuple[str, str]] = []
    for token in sorted(ranks, key=ranks.__getitem__):
        halves = [(token[:i], token[i:]) for i in range(1, len(token))]
        pairs = [(left, right) for left, right in halves if left in ranks and right in ranks]
        pairs.sort(key=lambda pair: (ranks[pair[0]], ranks[pair[1]]))
        merges += [(text[left], text[right]) for left, right in pairs]
    return {text[token]: rank for token, rank in ranks.items()}, merges


def _byte_characters() -> list[str]:
    """The printable character that byte-level BPE (GPT-2) writes for each byte: its own, else one from 256 on."""
    printable = {*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)}
    others = [byte for byte in range(256) if byte not in printable]
    return [chr(byte) if byte in printable else chr(256 + others.index(byte)) for byte in range(256)]


BYTE_CHARACTERS = _byte_characters()
