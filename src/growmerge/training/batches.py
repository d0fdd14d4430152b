"""Batches: the tokens of an optimizer step, a pure function of the seed and the step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import torch

from growmerge.data.mixture import Mixture
from growmerge.data.shards import TokenCorpus


def micro_batches(
    mixture: Mixture, corpora: Mapping[str, TokenCorpus], step: int, batch: int, micro_batch: int
) -> Iterator[torch.Tensor]:
    """The `batch` sequences of optimizer step `step` as int64 tensors [<= micro_batch, length + 1]."""
    for start in range(step * batch, (step + 1) * batch, micro_batch):
        stop = min(start + micro_batch, (step + 1) * batch)
        sequences = [corpora[c].sequence(i) for c, i in map(mixture.at, range(start, stop))]
        yield torch.from_numpy(np.stack(sequences))
