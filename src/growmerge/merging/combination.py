"""All merges of one combination of languages, made and scored in one process.

mergekit's and transformers' imports cost seconds, a small merge a fraction of one: so a job handles all methods of a
combination. A merge lives only as long as its scoring, and is not even made if its scores are there already.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from growmerge.artifacts import verify
from growmerge.config.schema import Method
from growmerge.evaluation.scores import Cell, Scored, update_scores
from growmerge.merging.merge import inputs_of, merge_digest, merge_verified, recipe_of

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
    instead; otherwise merges are made in `work` and removed. Inputs are verified once, and only if a merge is made.
    """
    verified: set[Path] = set()

    def verify_once(artifacts: Sequence[Path]) -> None:
        for artifact in artifacts:
            if artifact not in verified:
                verify(artifact)
                verified.add(artifact)

    for method in methods:
        folder = kept[method.name] if kept else work / method.name
        inputs = inputs_of(members, base, method)

        def checkpoint(method: Method = method, folder: Path = folder, inputs: Sequence[Path] = inputs) -> Path:
            if kept:
                verify_once([folder])
            else:
                verify_once(inputs)
                logger.info("merging %s by %s", "+".join(sorted(members)), method.name)
                merge_verified(members, base, method, dtype, seed, folder)
            return folder

        model = Scored(
            digest=merge_digest(members, base, method, dtype, seed),
            checkpoint=checkpoint,
            inputs=inputs,
            config=recipe_of(members, method, dtype, seed),
        )
        update_scores(scores[method.name], model, cells, tokens_per_batch=tokens_per_batch)
        if not kept:
            shutil.rmtree(folder, ignore_errors=True)
    shutil.rmtree(work, ignore_errors=True)
