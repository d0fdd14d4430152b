"""What a figure or table chooses its models from. Pure, for Snakemake's parsing."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from growmerge.config import Study
from growmerge.study.costs import Costs
from growmerge.study.floors import unigram, untrained
from growmerge.study.gap import GAP_MEASURES, Candidate, candidates
from growmerge.study.grid import Grid, Model
from growmerge.study.late import late_checkpoints
from growmerge.study.matching import Match, compared_models
from growmerge.study.sweeps import main_methods


class Shown:
    """The models of a study by what they are to a figure, with what they cost and which of them cost the same."""

    def __init__(self, costs: Costs, matches: Sequence[Match]) -> None:
        self.costs = costs
        self.matches = matches
        self.grid: Grid = costs.grid
        self.study: Study = costs.grid.study

    @cached_property
    def setups(self) -> list[str]:
        """The names of the setups, in the order of the configuration; not of partial sharing or further seeds."""
        return [setup.name for setup in self.study.setups]

    @cached_property
    def rounds(self) -> list[str]:
        """The setups of experts that restarted from their merge, after the last round, of the first seed."""
        return [name for name, made in self.grid.rounds.items() if made.last and made.of in self.setups]

    @cached_property
    def bases(self) -> list[Model]:
        """The bases, of replicates those of the first seed."""
        return [self.grid.model(base.name) for base in self.study.bases]

    @cached_property
    def noiseless(self) -> list[str]:
        """The setups whose models descend from a clone that was made without noise."""
        cloned: dict[str, bool] = {}
        for base in self.study.bases:  # parents first
            without_noise = base.clone is not None and base.clone.snr_db is None
            cloned[base.name] = without_noise or cloned.get(base.from_, False)
        return [setup.name for setup in self.study.setups if cloned[setup.base]]

    @cached_property
    def models(self) -> list[Model]:
        """The adapted models of the setups."""
        return [model for model in self.grid.models if model.setup in self.setups]

    @cached_property
    def experts(self) -> list[Model]:
        """The models of one language."""
        return [model for model in self.models if len(model.languages) == 1]

    @cached_property
    def merges(self) -> list[Model]:
        """The merges of finished models in the setups."""
        return [merge for merge in self.grid.merges if merge.setup in self.setups and merge.step is None]

    @cached_property
    def compared(self) -> list[Model]:
        """The models and checkpoints that are compared by compute."""
        return compared_models(self.matches, self.costs)

    @cached_property
    def late(self) -> list[Model]:
        """The last checkpoints of one training, from which the noise of scores is estimated."""
        return late_checkpoints(self.costs)

    @cached_property
    def checkpoints(self) -> dict[str, Model]:
        """The intermediate checkpoints that are scored: compared by compute, merged over training, or late."""
        models = [*self.compared, *self.grid.mixed_over_training, *self.late]
        return {model.id: model for model in models if model.kind == "checkpoint"}

    @cached_property
    def scored(self) -> list[Model]:
        """All models, merges and checkpoints that are scored."""
        return [*self.grid, *self.checkpoints.values()]

    @cached_property
    def judged(self) -> list[Model]:
        """The models that show whether a benchmark can tell them apart: adapted ones, their checkpoints, and floors."""
        trained = {model.id for model in self.models}
        of_models = [checkpoint for checkpoint in self.checkpoints.values() if checkpoint.parents[0] in trained]
        return [*self.floors, *self.models, *of_models]

    @cached_property
    def moments(self) -> dict[str, dict[str, int]]:
        """By the id of a trained model with scored checkpoints: their ids and its own, each with its step."""
        found: dict[str, dict[str, int]] = {}
        for checkpoint in sorted(self.judged, key=lambda model: model.step or 0):
            if checkpoint.kind == "checkpoint" and self.costs.can_tell(checkpoint.parents[0]):
                found.setdefault(checkpoint.parents[0], {})[checkpoint.id] = checkpoint.step or 0
        return {name: moments | {name: self.costs.steps(name)} for name, moments in found.items()}

    @property
    def pairwise_method(self) -> str:
        """The merge method of figures that show one."""
        return self.study.analysis.pairwise_method

    @cached_property
    def main_methods(self) -> list[str]:
        """The merge methods that merge every combination, without the further densities of a sweep."""
        return main_methods(method for method in self.study.merging.methods if method.sizes is None)

    @cached_property
    def main_merges(self) -> list[Model]:
        """The merges by these methods."""
        return [merge for merge in self.merges if merge.method in self.main_methods]

    @property
    def methods_side_by_side(self) -> list[str]:
        """The methods of a figure with a panel for each setup and method: those of several setups fit no page."""
        return self.main_methods if len(self.setups) == 1 else [self.pairwise_method]

    def pairs(self) -> list[Model]:
        """Merges of two by `pairwise_method`, with their experts."""
        two = [merge for merge in self.merges if len(merge.languages) == 2]
        return self.with_experts([merge for merge in two if merge.method == self.pairwise_method])

    def with_experts(self, merges: Sequence[Model]) -> list[Model]:
        """Merges with the experts that they are compared with; nothing where there are none."""
        return [*self.experts, *merges] if merges else []

    @cached_property
    def floors(self) -> list[Model]:
        """What models are compared with, next to chance: untrained models, and the counts of tokens."""
        return [*untrained(self.grid), *unigram(self.grid)]

    @cached_property
    def candidates(self) -> list[Candidate]:
        """What is compared with the gap to joint training; nothing if no benchmark measures it."""
        measured = {benchmark.measured[0] for benchmark in self.study.benchmarks}
        return candidates(self.costs) if measured & set(GAP_MEASURES) else []

    def translators(self) -> list[Model]:
        """Whose translations are set side by side: experts, models and merges of all languages, models of others."""
        everything = [merge for merge in self.main_merges if len(merge.languages) == len(self.study.languages)]
        return [*self.models, *everything, *self.grid.externals]
