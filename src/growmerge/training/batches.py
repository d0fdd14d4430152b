"""Batches: the tokens of an optimizer step, a pure function of the seed and the step, read ahead of the training."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor

import torch

from growmerge.data.mixture import Mixture
from growmerge.data.shards import TokenCorpus

AHEAD = 2  # steps


def sequences(mixture: Mixture, corpora: Mapping[str, TokenCorpus], positions: range) -> torch.Tensor:
    """The sequences at these positions of the run, as int64 [sequences, length + 1]."""
    length = next(iter(corpora.values())).length
    batch = torch.empty((len(positions), length + 1), dtype=torch.int64)
    for row, (corpus, index) in zip(batch.numpy(), mixture.span(positions.start, positions.stop), strict=True):
        row[:] = corpora[corpus].sequence(index)
    return batch


def read_ahead(load: Callable[[int], torch.Tensor], steps: range) -> Generator[torch.Tensor]:
    """load(step) for every step, in order, by a thread that is at most `AHEAD` steps ahead.

    An error in `load` is raised at its step. Close the iterator to end the thread.
    """
    pending: deque[Future[torch.Tensor]] = deque()
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="batches") as reader:
        try:
            for step in steps:
                pending.append(reader.submit(load, step))
                if len(pending) > AHEAD:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            for waiting in pending:
                waiting.cancel()
