"""How often each token occurs in the training text of a member's language: int64 [vocabulary], special tokens too."""

from __future__ import annotations

from pathlib import Path

from growmerge.catalogue.merge_registry import MemberStatistic
from growmerge.lazily import lazily

with lazily():
    import torch


def read(folder: Path, tensor: str) -> torch.Tensor:
    """The counts, whatever the tensor."""
    from growmerge.data.token_counts import read_token_counts  # not while rules are parsed

    return torch.from_numpy(read_token_counts(folder))


STATISTIC = MemberStatistic("token_counts/{corpus}", of_text=True, read=read)
