"""How many logits are made at a time, in training and in scoring: with 128k entries they outgrow everything else."""

from __future__ import annotations

# On a CPU a chunk that stays in the cache (8 MB) is up to three times as fast as one of 100 MB. On a GPU each chunk of
# a training casts the head's weight and adds to its gradient: by the speed of its memory, that takes as long as the
# products of some 600 rows. So there it is four thousand rows of 128k entries, 2 GB in fp32.
ON_CPU = 2**21
ON_GPU = 2**29


def rows_at_a_time(vocabulary: int, device: str) -> int:
    """Rows of logits (positions) to hold at once on a device of that type."""
    return max(1, (ON_CPU if device == "cpu" else ON_GPU) // vocabulary)
