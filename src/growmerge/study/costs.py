"""What every model of the grid takes: steps, tokens, FLOPs, its ancestors' included. From the configuration alone.

Pure, without torch and numpy: the rules need it, to know which checkpoints are compared by compute.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache

from growmerge import ids
from growmerge.config import Study
from growmerge.config.corpora import Expected
from growmerge.config.training import Training
from growmerge.errors import GrowmergeError
from growmerge.study.flops import parameters, training_flops
from growmerge.study.grid import Grid
from growmerge.study.phases import Block, blocks_of, part_of, phases_of
from growmerge.study.recipe import Recipes
from growmerge.study.schedule import Schedule, schedule


class Costs:
    """Steps and FLOPs of the trained models of a grid."""

    def __init__(self, grid: Grid, counts: Mapping[str, Expected]) -> None:
        """`counts` maps corpora (or parts of one) to how much text there is; see `stated_counts`."""
        self.grid = grid
        self.recipes = Recipes(grid)
        self._counts = counts
        self._training: Training = grid.study.training
        self._trained = {model.id for model in grid.trained}
        # Cached by instance: methods of a frozen input, asked for again for every descendant.
        self.steps = cache(self._steps)
        self.total_flops = cache(self._total_flops)

    def can_tell(self, model_id: str) -> bool:
        """Whether all of a model's ancestors are made here, from corpora whose size is known."""
        if model_id in self.grid.imported:
            return False
        parents = self.grid.model(model_id).parents
        return all(part in self._counts for part in self.recipes.corpora_of(model_id)) and all(
            map(self.can_tell, parents)
        )

    def parameters(self, width: int) -> int:
        """Number of parameters of a model of that width."""
        return parameters(self.grid.study.architecture, self.grid.study.tokenizer.vocab_size, width)

    def count(self, corpus: str) -> Expected:
        """How much text a corpus (or part) has. Raises GrowmergeError if that is not known."""
        if corpus not in self._counts:
            raise GrowmergeError(
                f"corpora: '{corpus}' has no `expected` documents and tokens, so nothing can be planned with it; state "
                "them in the configuration, or build its token shards first"
            )
        return self._counts[corpus]

    def _steps(self, model_id: str) -> int:
        return len(part_of(self.whole_steps(model_id), self.recipes.of(model_id).part))

    def whole_steps(self, model_id: str) -> int:
        """Steps of a training and of the rounds before and after it."""
        return sum(block.steps(self._training.batch_sequences) for block in self._blocks(model_id))

    def sequences(self, model_id: str) -> int:
        """Sequences that these steps draw, epochs counted, without those that fill up a step."""
        return sum(block.size for block in self._blocks(model_id))

    def replayed(self, model_id: str) -> float:
        """The share of an adapted model's sequences that is replay, not text of its languages."""
        own = {language.corpus for language in self.grid.study.languages}
        draws = [draw for block in self._blocks(model_id) for draw in block.draws]
        return sum(draw.count for draw in draws if draw.corpus not in own) / sum(draw.count for draw in draws)

    def _blocks(self, model_id: str) -> list[Block]:
        counts = {corpus: self.count(corpus) for corpus in self.recipes.corpora_of(model_id)}
        phases = phases_of(self.recipes.of(model_id).data, {corpus: c.documents for corpus, c in counts.items()})
        sizes = {corpus: c.tokens // self._training.sequence_length for corpus, c in counts.items()}
        return blocks_of(phases, sizes)

    def schedule(self, model_id: str) -> Schedule:
        """The learning rate over the steps of a trained model."""
        recipe = self.recipes.of(model_id)
        training = self._training.model_copy(update=recipe.training)
        return schedule(training, self.steps(model_id), recipe.warmup_steps, recipe.decay_steps)

    def saved_steps(self, model_id: str) -> list[int]:
        """Steps after which a checkpoint of a trained model is published, the last one being the model itself."""
        steps = self.steps(model_id)
        return [*range(self.recipes.checkpoint_every(model_id), steps, self.recipes.checkpoint_every(model_id)), steps]

    def tokens(self, step: int) -> int:
        """Tokens that a training has passed through after a step, epochs counted."""
        return step * self._training.batch_sequences * self._training.sequence_length

    def flops(self, model_id: str, step: int) -> float:
        """FLOPs of a model's own training up to a step (see growmerge.study.flops)."""
        study: Study = self.grid.study
        length = self._training.sequence_length
        sequences = step * self._training.batch_sequences
        width = self.grid.model(model_id).width
        return training_flops(study.architecture, study.tokenizer.vocab_size, width, sequences, length)

    def flops_with_ancestors(self, model_id: str, step: int) -> float:
        """FLOPs up to a step of a model, the trainings of all its ancestors included (Glocker et al. 2025, 3.3)."""
        return self.flops(model_id, step) + sum(map(self.total_flops, self.grid.model(model_id).parents))

    def _total_flops(self, model_id: str) -> float:
        parents = self.grid.model(model_id).parents
        if len(parents) > 1:  # members share ancestors, each of which was trained once
            return sum(map(self._own_flops, self._lineage(parents)))
        return self._own_flops(model_id) + sum(map(self.total_flops, parents))

    def _own_flops(self, model_id: str) -> float:
        return self.flops(model_id, self.steps(model_id)) if model_id in self._trained else 0.0

    def _lineage(self, model_ids: Iterable[str]) -> list[str]:
        """These models and all their ancestors, each once."""
        found: dict[str, None] = {}
        waiting = list(model_ids)
        while waiting:
            if (model_id := waiting.pop()) not in found:
                found[model_id] = None
                waiting += self.grid.model(model_id).parents
        return list(found)


def stated_counts(study: Study) -> dict[str, Expected]:
    """Corpora and parts whose size the configuration states."""
    names = [name for corpus in study.corpora for name in corpus.names]
    return {name: expected for name in names if (expected := study.expected(name))}


def check_saved_steps(costs: Costs) -> None:
    """Raise GrowmergeError where merges over training want a checkpoint that a training will not save.

    Trainings of unknown length and checkpoints from elsewhere are not checked; a missing step shows when they are
    merged.
    """
    merged = costs.grid.study.merging.over_training
    for setup in merged.setups if merged else []:
        for model_id in (ids.adapted(setup, target) for target in costs.grid.targets):
            saved = costs.saved_steps(model_id)[:-1] if merged and costs.can_tell(model_id) else None
            if merged and saved is not None and (unsaved := [step for step in merged.steps if step not in saved]):
                raise GrowmergeError(
                    f"merging.over_training: no checkpoint of '{model_id}' after {unsaved[0]} steps: it trains "
                    f"{costs.steps(model_id)} and saves one after {', '.join(map(str, saved[:4])) or 'none'}"
                    f"{', ...' if len(saved) > 4 else ''}; choose another `every` or `until`"
                )


def check_continued(costs: Costs) -> None:
    """Raise GrowmergeError for more rounds than steps, and where a healed merge would train on less than one step.

    Trainings of unknown length are not checked; a missing step shows when they are trained.
    """
    grid, batch = costs.grid, costs.grid.study.training.batch_sequences
    for model in grid.models:
        made_in = grid.rounds.get(model.setup)
        if made_in and made_in.number == 1 and costs.can_tell(model.id):
            steps = costs.whole_steps(model.id)
            if steps < made_in.count:
                raise GrowmergeError(
                    f"merging.rounds.counts: {made_in.count} rounds of '{ids.adapted(made_in.of, model.target)}', "
                    f"which trains {steps} steps in all; choose at most {steps}"
                )
    for model in grid.healed:
        if costs.can_tell(model.id) and (sequences := costs.sequences(model.id)) < batch:
            raise GrowmergeError(
                f"merging.healing.shares: {100 * grid.healed_shares[model.id]:g} % of what "
                f"'{ids.adapted(model.setup, ids.MULTI)}' trains on are {sequences} sequences, fewer than "
                f"training.batch_sequences = {batch}; choose a larger share"
            )
