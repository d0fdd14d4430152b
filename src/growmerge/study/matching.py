"""Compute matching: which checkpoints of two setups cost the same (Glocker et al. 2025, section 3.3)."""

from __future__ import annotations

import csv
import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from io import StringIO
from itertools import combinations
from pathlib import Path

from growmerge import ids
from growmerge.artifacts import write_atomically, write_manifest
from growmerge.study.costs import Costs
from growmerge.study.grid import Model

logger = logging.getLogger(__name__)
COLUMNS = ("target", "cheaper", "dearer", "cheaper_step", "matched_step", "relative_difference", "excluded")


@dataclass(frozen=True)
class Match:
    """The last checkpoint of the cheaper setup's model, and the other's saved checkpoint with the nearest cost.

    `relative_difference` is the cost of the latter relative to that of the former, minus one. `excluded` if even the
    first checkpoint of the dearer setup costs too much. `final`: the matched checkpoint is the finished model.
    """

    target: str
    cheaper: str
    dearer: str
    cheaper_step: int
    matched_step: int
    relative_difference: float
    excluded: bool
    final: bool

    @property
    def cheaper_id(self) -> str:
        """The model of the cheaper setup."""
        return ids.adapted(self.cheaper, self.target)

    @property
    def matched_id(self) -> str:
        """The checkpoint of the dearer setup."""
        model = ids.adapted(self.dearer, self.target)
        return model if self.final else ids.checkpoint(model, self.matched_step)


def match_compute(costs: Costs, bound: float) -> list[Match]:
    """Every target in every pair of setups, as far as the costs are known.

    A pair is excluded where the first checkpoint of the dearer model costs more than 1 + `bound` times the cheaper one.
    """
    grid = costs.grid
    return [
        _match(costs, target, *pair, bound)
        for target in grid.targets
        for pair in combinations([setup.name for setup in grid.study.setups], 2)
        if all(costs.can_tell(ids.adapted(setup, target)) for setup in pair)
    ]


def _match(costs: Costs, target: str, one: str, other: str, bound: float) -> Match:
    cheaper, dearer = sorted((one, other), key=lambda setup: costs.total_flops(ids.adapted(setup, target)))
    finished, dearer_id = ids.adapted(cheaper, target), ids.adapted(dearer, target)
    cost = costs.total_flops(finished)
    saved = costs.saved_steps(dearer_id)
    differences = {step: costs.flops_with_ancestors(dearer_id, step) / cost - 1 for step in saved}
    nearest = min(saved, key=lambda step: abs(differences[step]))
    return Match(
        target=target,
        cheaper=cheaper,
        dearer=dearer,
        cheaper_step=costs.steps(finished),
        matched_step=nearest,
        relative_difference=differences[nearest],
        excluded=differences[saved[0]] > bound,
        final=nearest == saved[-1],
    )


def compared_models(matches: Sequence[Match], costs: Costs) -> list[Model]:
    """The models and intermediate checkpoints that are compared, each once."""
    found: dict[str, Model] = {}
    for match in matches:
        if not match.excluded:
            matched = costs.grid.model(ids.adapted(match.dearer, match.target))
            found[match.cheaper_id] = costs.grid.model(match.cheaper_id)
            found[match.matched_id] = matched if match.final else costs.grid.checkpoint(matched.id, match.matched_step)
    return list(found.values())


def write_matches(table: Path, matches: Sequence[Match], bound: float) -> None:
    """Write `matches` as CSV, and the manifest of the table, which holds the `bound`."""
    write_atomically(table, matches_csv(matches))
    write_manifest(table.with_suffix(".manifest.json"), [table.name], config={"bound": bound})
    logger.info("%d comparisons, %d of them excluded", len(matches), sum(match.excluded for match in matches))


def matches_csv(matches: Sequence[Match]) -> str:
    """The table `compute_match.csv`."""
    text = StringIO()
    writer = csv.DictWriter(text, COLUMNS, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(map(asdict, matches))
    return text.getvalue()
