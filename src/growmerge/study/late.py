"""The last intermediate checkpoints of a training: what the noise of a score is estimated from. Pure, for the rules."""

from __future__ import annotations

from growmerge import ids
from growmerge.ids import MULTI
from growmerge.study.costs import Costs
from growmerge.study.grid import Model


def late_checkpoints(costs: Costs) -> list[Model]:
    """The last `scoring.late_checkpoints` before the end of one training, in the order of steps.

    It is that of `multi`, which is scored in every language, in the first setup whose model is trained here, from
    corpora of known size; with one language, that of its expert. Nothing if there is none.
    """
    grid = costs.grid
    target = MULTI if MULTI in grid.targets else grid.targets[0]
    for setup in grid.study.setups:
        model_id = ids.adapted(setup.name, target)
        if costs.can_tell(model_id):
            saved, count = costs.saved_steps(model_id)[:-1], grid.study.scoring.late_checkpoints
            return [grid.checkpoint(model_id, step) for step in saved[len(saved) - min(count, len(saved)) :]]
    return []
