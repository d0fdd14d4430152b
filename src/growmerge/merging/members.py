"""Which checkpoints a combination of languages merges."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from growmerge import ids
from growmerge.models.published import published_checkpoint


def members_of(combination: str, holders: Iterable[Path]) -> dict[str, Path]:
    """The checkpoint of each language of `combination`, in its order.

    `holders` are the finished models; for a combination of intermediate checkpoints ('isl+swe@250') what holds those,
    see `growmerge.models.published.published_checkpoint`, which also says what is raised.
    """
    step = ids.split_step(combination)[1]
    members = dict(zip(ids.languages_of(combination), holders, strict=True))
    if step is None:
        return members
    return {code: published_checkpoint(holder, step) for code, holder in members.items()}
