"""Which checkpoints a combination of languages merges."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from growmerge.config.checks import AT
from growmerge.models.published import published_checkpoint
from growmerge.study.grid import SEPARATOR


def members_of(combination: str, holders: Iterable[Path]) -> dict[str, Path]:
    """The checkpoint of each language of `combination`, in its order.

    `holders` are the finished models; for a combination of intermediate checkpoints ('isl+swe@250') what holds those,
    see `growmerge.models.published.published_checkpoint`, which also says what is raised.
    """
    codes, _, step = combination.partition(AT)
    members = dict(zip(codes.split(SEPARATOR), holders, strict=True))
    return {code: published_checkpoint(holder, int(step)) if step else holder for code, holder in members.items()}
