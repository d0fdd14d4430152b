"""All merges of one combination of languages, made and scored in one process.

mergekit's and transformers' imports cost seconds, a small merge a fraction of one: so a job handles all methods of a
combination. A merge lives only as long as its scoring, and is not even made if its scores are there already.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from growmerge.config.schema import Method
from growmerge.evaluation.scores import Cell, update_scores
from growmerge.merging.merge import merge_digest, merge_models

logger = logging.getLogger(__name__)


def merge_and_score(
    members: Mapping[str, Path],
    base: Path,
    methods: Sequence[Method],
    dtype: str,
    seed: int,
    *,
    cells: Mapping[Cell, Path],
    scores: Mapping[str, Path],
    work: Path,
    tokens_per_batch: int,
    kept: Mapping[str, Path] | None = None,
) -> None:
    """Merge `members` by each method and bring its score folder up to date with `cells` (see `update_scores`).

    `scores` maps method names to score folders. With `kept` (method name -> merged checkpoint) those are scored
    instead; otherwise merges are made in `work` and removed.
    """
    for method in methods:
        folder = kept[method.name] if kept else work / method.name

        def checkpoint(method: Method = method, folder: Path = folder) -> Path:
            if not kept:
                logger.info("merging %s by %s", "+".join(sorted(members)), method.name)
                merge_models(members, base, method, dtype, seed, folder)
            return folder

        update_scores(
            scores[method.name],
            merge_digest(members, base, method, dtype, seed),
            checkpoint,
            cells,
            tokens_per_batch=tokens_per_batch,
        )
        if not kept:
            shutil.rmtree(folder, ignore_errors=True)
    shutil.rmtree(work, ignore_errors=True)
