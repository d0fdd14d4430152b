"""Which models are held against the gap between a base and the model that is trained on all languages together.

Pure, without torch: the rules need it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from growmerge import ids
from growmerge.catalogue.entry import ACCEPTABILITY, BITS_PER_BYTE, PARITY
from growmerge.catalogue.merge_methods import COEFFICIENTS
from growmerge.catalogue.merge_registry import MergeMethod, merge_methods
from growmerge.config import Study
from growmerge.config.merging import Method
from growmerge.ids import BASE, ENSEMBLE, MULTI
from growmerge.study.costs import Costs
from growmerge.study.flops import forward_flops
from growmerge.study.grid import Grid, Model
from growmerge.study.tuning import tuning_flops, tuning_parameters, tuning_texts

# The measures that have a gap to share, in the order of the figure.
GAP_MEASURES = (BITS_PER_BYTE, ACCEPTABILITY, PARITY)
Kind = Literal["experts", "ensemble", "merge", "rounds", "healed", "control"]
EXPERTS = "experts"  # in the place of a target
GRAMS = "grams"  # the statistic that is made by passing text through each member
# Name of a configured method -> those of its parts that ask for statistics, each with what is registered.
Asking = Mapping[str, Sequence[tuple[Method, MergeMethod]]]


@dataclass(frozen=True)
class Candidate:
    """What may win back a part of the gap of a setup, from `base` to `mixed` (ids), in `languages`.

    `kind` is `experts` (each in its own language: what a merge could keep at most), `ensemble`, `merge`, `rounds` (a
    merge of experts that restarted from their merge, `rounds` times in all), `healed` (trained on from a merge) or
    `control` (trained as long from the base). `method` is the merge method, if there is one. `scored_by` maps each
    language to the model whose scores in it count: the same model, except for the experts. `cost` is what was computed
    beyond the experts, in FLOPs, as a share of the mixed model's own training: what a method computes with models
    before it merges (Gram matrices, coefficients), in every round, and what a healed model was trained on. NaN if that
    is not known.
    """

    id: str
    kind: Kind
    setup: str
    method: str
    rounds: int
    base: str
    mixed: str
    languages: tuple[str, ...]
    scored_by: Mapping[str, str]
    cost: float

    @classmethod
    def read(cls, plain: Mapping[str, Any]) -> Candidate:
        """A candidate from its fields as plain data."""
        return cls(**{**plain, "languages": tuple(plain["languages"])})

    @property
    def models(self) -> list[str]:
        """The ids of the models whose scores it needs."""
        return list(dict.fromkeys([self.base, self.mixed, *self.scored_by.values()]))


def candidates(costs: Costs) -> list[Candidate]:
    """All candidates of a study: merges and ensembles of finished models, what was trained on from them, the experts.

    None in a setup that has no model of all languages; that is a study with one language.
    """
    grid = costs.grid
    if MULTI not in grid.targets:
        return []
    asking = _asking(grid)
    return [candidate for setup in grid.study.setups for candidate in _of_setup(grid, costs, asking, setup.name)]


def _asking(grid: Grid) -> Asking:
    registry = merge_methods(grid.study.merging.modules)
    parts = {m.name: [(part, registry[part.registered]) for part in m.parts] for m in grid.study.merging.methods}
    return {name: [found for found in of_method if found[1].kind.statistics] for name, of_method in parts.items()}


def _of_setup(grid: Grid, costs: Costs, asking: Asking, setup: str) -> Iterator[Candidate]:
    base, mixed = grid.base_of_setup(setup), ids.adapted(setup, MULTI)
    everything = tuple(grid.study.language_codes)
    experts = {code: ids.adapted(setup, code) for code in everything}
    yield Candidate(ids.adapted(setup, EXPERTS), "experts", setup, "", 1, base, mixed, everything, experts, 0.0)
    for model in grid:
        if grid.origin_of_setup(model.setup) == setup and model.step is None and model.method:
            scored_by = dict.fromkeys(model.languages, model.id)
            rounds = grid.rounds[model.setup].count if model.setup in grid.rounds else 1
            method = "" if model.method in (BASE, ENSEMBLE) else model.method
            about = (model.id, _kind(grid, model), setup, method, rounds)
            yield Candidate(*about, base, mixed, model.languages, scored_by, _cost(costs, asking, model, mixed))


def _kind(grid: Grid, model: Model) -> Kind:
    if model.kind == "healed":
        return "control" if model.method == BASE else "healed"
    if model.kind == "ensemble":
        return "ensemble"
    return "rounds" if model.setup in grid.rounds else "merge"


def _cost(costs: Costs, asking: Asking, model: Model, mixed: str) -> float:
    """The FLOPs of a candidate beyond the experts over those of the mixed model's own training."""
    rounds, healed = costs.grid.rounds, model.kind == "healed"
    times = rounds[model.setup].count if model.setup in rounds else 1
    flops = times * _statistics_flops(costs.grid.study, asking.get(model.method, ()), model)
    if not (healed or flops):
        return 0.0
    if not (costs.can_tell(mixed) and (costs.can_tell(model.id) or not healed)):
        return float("nan")
    trained = costs.flops(model.id, costs.steps(model.id)) if healed else 0.0
    return (flops + trained) / costs.flops(mixed, costs.steps(mixed))


def _statistics_flops(study: Study, parts: Sequence[tuple[Method, MergeMethod]], model: Model) -> float:
    """What the statistics take that the parts of a method ask for: passes of text through each language's model."""
    members, total = len(model.languages), 0.0
    for part, registered in parts:
        if COEFFICIENTS in registered.kind.statistics:
            texts = tuning_texts(tuning_parameters(part, registered), members)
            total += tuning_flops(study, model.width, texts)
        if GRAMS in registered.kind.statistics:
            length = study.training.sequence_length
            sequences = members * study.merging.gram_tokens // length
            total += forward_flops(study.architecture, study.tokenizer.vocab_size, model.width, sequences, length)
    return total
