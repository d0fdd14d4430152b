"""All merges of one combination of languages, made and scored in one process.

Imports and the reading of the members cost seconds, so a job handles all methods of a combination. A merge lives only
until it is scored, and is not even made if its scores are there already.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Mapping
from functools import cache, partial
from pathlib import Path

from growmerge import ids
from growmerge.artifacts import verify
from growmerge.catalogue.entry import Decoding
from growmerge.evaluation.scores import Cell, Scored, is_scored, update_scores
from growmerge.merging.blocks import workers
from growmerge.merging.card import write_card
from growmerge.merging.inputs import Inputs
from growmerge.merging.merge import merge_models
from growmerge.merging.recipe import Recipe
from growmerge.study.resources import MERGES_AT_ONCE

logger = logging.getLogger(__name__)


def merge_and_score(
    recipes: Mapping[str, Recipe],
    *,
    cells: Mapping[Cell, Path],
    scores: Mapping[str, Path],
    work: Path,
    tokens_per_batch: int,
    decoding: Mapping[str, Decoding] | None = None,
    kept: Mapping[str, Path] | None = None,
) -> None:
    """Bring the score folders of the merges of one combination up to date with `cells`, decoded as `decoding` says.

    `recipes`, `scores` and `kept` map the names of methods to merges, score folders and merged checkpoints. With `kept`
    those are scored, and their cards get the scores. Otherwise merges are made in `work`, at most MERGES_AT_ONCE from
    one reading of the members, and each is removed when it is scored; so is what a killed job left there. Such merges
    have no results.json: they may be many thousand, and clusters limit the number of files. Inputs are verified once,
    and only if a merge is made.
    """
    shutil.rmtree(work, ignore_errors=True)

    def scored(name: str) -> bool:
        return is_scored(scores[name], recipes[name].digest, cells, decoding)

    waiting = [name for name in recipes if not kept and not scored(name)]

    @cache
    def inputs() -> Inputs:
        with workers() as crew:
            return Inputs([path for recipe in recipes.values() for path in recipe.checkpoints], crew)

    def checkpoint(name: str) -> Path:
        if kept:
            verify(kept[name])
            return kept[name]
        if not (work / name).exists():
            standing = sum(1 for _ in work.iterdir()) if work.exists() else 0
            others = [method for method in waiting if method != name]
            chosen = [name, *others[: MERGES_AT_ONCE - 1 - standing]]
            for method in chosen:
                logger.info("merging %s by %s", ids.combination(recipes[method].languages), method)
            merge_models({work / method: recipes[method] for method in chosen}, inputs())
            waiting[:] = [method for method in waiting if method not in chosen]
        return work / name

    try:
        for name, recipe in recipes.items():
            model = Scored(
                digest=recipe.digest,
                checkpoint=partial(checkpoint, name),
                inputs=recipe.inputs,
                config=recipe.describe(),
                name=f"{ids.combination(recipe.languages)}/{name}",
            )
            update_scores(
                scores[name],
                model,
                cells,
                tokens_per_batch=tokens_per_batch,
                decoding=decoding,
                summary=bool(kept),
            )
            if kept:
                write_card(kept[name], recipe, scores[name])
            shutil.rmtree(work / name, ignore_errors=True)
    finally:
        shutil.rmtree(work, ignore_errors=True)
