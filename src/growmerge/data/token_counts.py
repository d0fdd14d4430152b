"""How often each token of the vocabulary occurs in the token shards of a corpus."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from growmerge.artifacts import publish, verify
from growmerge.data.shards import TOKENS
from growmerge.errors import GrowmergeError

COUNTS = "counts.npy"


def count_tokens(shards: Sequence[Path], tokenizer: Path, vocabulary: int, output: Path) -> None:
    """Publish the counts of the tokens in `shards` as `output`: an int64 array [vocabulary], special tokens included.

    The tokenizer is among the inputs, by which a merge sees whether its members have the same. Raises GrowmergeError
    for a damaged shard, and for a token outside of the vocabulary.
    """
    counts = np.zeros(vocabulary, dtype=np.int64)
    with publish(output, inputs=[*shards, tokenizer], config={"vocabulary": vocabulary}) as draft:
        for shard in shards:
            verify(shard)
            with pa.memory_map(str(shard / TOKENS)) as source:
                reader = pa.ipc.open_file(source)
                for batch in map(reader.get_batch, range(reader.num_record_batches)):
                    counts += _counted(batch["tokens"].to_numpy(), vocabulary, shard)
        np.save(draft.folder / COUNTS, counts)
        draft.facts["tokens"] = int(counts.sum())


def _counted(tokens: np.ndarray, vocabulary: int, shard: Path) -> np.ndarray:
    found: np.ndarray = np.bincount(tokens, minlength=vocabulary)
    if len(found) > vocabulary:
        raise GrowmergeError(
            f"{shard}: has token {len(found) - 1}, but tokenizer.vocab_size = {vocabulary} allows 0 to {vocabulary - 1}"
        )
    return found


def read_token_counts(folder: Path) -> np.ndarray:
    """The counts in a folder: int64 [vocabulary]."""
    counts: np.ndarray = np.load(folder / COUNTS, allow_pickle=False)
    return counts
