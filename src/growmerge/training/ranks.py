"""The processes that train one model together: each has a copy of it, one device, and its share of every batch.

Plain data parallelism: gradients are added up once an optimizer step, after all micro-batches. With the batches of
millions of tokens that are usual, a step takes seconds and the exchange some milliseconds, so nothing is gained by
overlapping the two, and DistributedDataParallel's hooks are not needed.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist

BUCKET = 2**24  # gradients added up at a time: few calls, and little memory beside the gradients themselves
PATIENCE = timedelta(hours=1)  # for a rank to come: the first may be writing a large state or checkpoint


@dataclass(frozen=True)
class Ranks:
    """This process among `size` of them."""

    device: torch.device
    rank: int = 0
    size: int = 1

    @property
    def first(self) -> bool:
        """Whether this is the rank that writes."""
        return self.rank == 0

    def share(self, batch: int) -> range:
        """Which of the `batch` sequences of a step are this rank's: in order, at most one more than another's."""
        return range(batch * self.rank // self.size, batch * (self.rank + 1) // self.size)

    def add_up(self, values: Sequence[float]) -> list[float]:
        """Sums over the ranks; every rank gets the same numbers, so all of them decide alike."""
        total = torch.tensor(values, dtype=torch.float64, device=self.device)
        if self.size > 1:
            dist.all_reduce(total)
        return total.tolist()

    def add_up_gradients(self, parameters: Iterable[torch.nn.Parameter]) -> None:
        """Replace every gradient by its sum over the ranks (one without a sequence has none)."""
        if self.size == 1:
            return
        for bucket in _buckets(parameters):
            gradients = [p.grad if p.grad is not None else torch.zeros_like(p) for p in bucket]
            flat = torch.cat([gradient.flatten() for gradient in gradients])
            dist.all_reduce(flat)
            for parameter, total in zip(bucket, flat.split([p.numel() for p in bucket]), strict=True):
                parameter.grad = total.view_as(parameter)

    def from_first(self, value: Any) -> Any:
        """The first rank's value; waits until it is there."""
        box = [value]
        if self.size > 1:
            dist.broadcast_object_list(box)
        return box[0]

    def gather(self, value: Any) -> list[Any]:
        """The values of all ranks, in their order."""
        values = [value] * self.size
        if self.size > 1:
            dist.all_gather_object(values, value)
        return values


@contextmanager
def joined() -> Iterator[Ranks]:
    """Join the ranks that torchrun started (it sets RANK, WORLD_SIZE and LOCAL_RANK); without it there is one."""
    cuda = torch.cuda.is_available()
    device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", 0))) if cuda else torch.device("cpu")
    if cuda:
        torch.cuda.set_device(device)
    if not dist.is_torchelastic_launched():
        yield Ranks(device)
        return
    dist.init_process_group("nccl" if cuda else "gloo", timeout=PATIENCE, device_id=device if cuda else None)
    try:
        yield Ranks(device, dist.get_rank(), dist.get_world_size())
    finally:
        dist.destroy_process_group()


def _buckets(parameters: Iterable[torch.nn.Parameter]) -> Iterator[list[torch.nn.Parameter]]:
    bucket: list[torch.nn.Parameter] = []
    for parameter in parameters:
        bucket.append(parameter)
        if sum(p.numel() for p in bucket) >= BUCKET:
            yield bucket
            bucket = []
    if bucket:
        yield bucket
