"""All merges of one combination of languages, made and scored in one process.

Imports and the reading of the members cost seconds, so a job handles all methods of a combination. A merge lives in
memory until it is scored, and is not even made if its scores are there already.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Mapping
from functools import cache, partial
from pathlib import Path

from torch import Tensor
from transformers import PreTrainedModel

from growmerge import ids
from growmerge.artifacts import verify
from growmerge.catalogue.entry import Decoding
from growmerge.evaluation.scores import Cell, Scored, is_scored, load_on_device, scoring_device, update_scores
from growmerge.merging.blocks import workers
from growmerge.merging.card import write_card
from growmerge.merging.inputs import Inputs
from growmerge.merging.merge import merge_in_memory, merged_model
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
    those are scored, and their cards get the scores. Otherwise merges are made in memory, at most MERGES_AT_ONCE from
    one reading of the members, and scored there: no weights are written. Such merges have no results.json: they may be
    many thousand, and clusters limit the number of files. Inputs are verified once, and only if a merge is made. `work`
    is removed: merges were written there once, and a job that was killed left them.

    Raises GrowmergeError as `merge_in_memory` and `update_scores` do, and for inputs or a kept merge that are damaged.
    """
    shutil.rmtree(work, ignore_errors=True)

    def scored(name: str) -> bool:
        return is_scored(scores[name], recipes[name].digest, cells, decoding)

    waiting = [name for name in recipes if not kept and not scored(name)]
    held: dict[str, dict[str, Tensor]] = {}

    @cache
    def inputs() -> Inputs:
        with workers() as crew:
            return Inputs([path for recipe in recipes.values() for path in recipe.checkpoints], crew)

    def checkpoint(name: str) -> Path:
        """What has the tokenizer of a merge: the merge or, as in its making, its first member."""
        if kept:
            verify(kept[name])
            return kept[name]
        inputs()
        return recipes[name].checkpoints[0]

    def load(name: str, _: Path) -> PreTrainedModel:
        """A merge; if it is not held, it is made now, together with others that wait."""
        if name not in held:
            others = [method for method in waiting if method != name]
            chosen = [name, *others[: MERGES_AT_ONCE - 1 - len(held)]]
            for method in chosen:
                logger.info("merging %s by %s", ids.combination(recipes[method].languages), method)
            with workers(recipes[name].device) as crew:
                held.update(merge_in_memory({method: recipes[method] for method in chosen}, inputs(), crew))
            waiting[:] = [method for method in waiting if method not in chosen]
        return merged_model(recipes[name], held.pop(name), scoring_device())

    for name, recipe in recipes.items():
        model = Scored(
            digest=recipe.digest,
            checkpoint=partial(checkpoint, name),
            inputs=recipe.inputs,
            config=recipe.describe(),
            name=f"{ids.combination(recipe.languages)}/{name}",
            load=load_on_device if kept else partial(load, name),
        )
        update_scores(
            scores[name], model, cells, tokens_per_batch=tokens_per_batch, decoding=decoding, summary=bool(kept)
        )
        if kept:
            write_card(kept[name], recipe, scores[name])
