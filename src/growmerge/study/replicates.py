"""Replicates: which bases and setups are made again with further seeds, and what they are called.

Pure, without torch: the grid needs it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from growmerge import ids
from growmerge.config import Study

# Id of a model of the first seed -> seed -> id of the model with that seed.
ModelsBySeed = Mapping[str, Mapping[int, str]]


def seeds_of(replicates: ModelsBySeed) -> dict[str, str]:
    """By the id of each replicate, its seed as tables write it."""
    return {name: str(seed) for by_seed in replicates.values() for seed, name in by_seed.items()}


class Replicates:
    """The seeds of a study, and what of it is made with each of them."""

    def __init__(self, study: Study) -> None:
        self.seeds = study.seeds or [study.seed]
        self._vary = set(study.replicates.vary)
        several = len(self.seeds) > 1
        self._bases = study.replicated_bases if several else set()
        self._setups = set(study.replicated_setups if several else [])
        rounds = study.merging.rounds
        made = rounds.expanded(setup.name for setup in study.setups) if rounds else []
        self._setups |= {r.setup for r in made if r.of in self._setups}

    @property
    def further(self) -> list[int]:
        """The seeds after the first."""
        return self.seeds[1:]

    def params(self, by_seed: object, **more: object) -> dict[str, object]:
        """What a rule takes as params of replicates: nothing in a study of one seed, whose params stay as they were.

        `by_seed` is `Grid.by_seed` of its models, or a function of wildcards that gives it; `more` are other params.
        """
        return {"replicates": by_seed, **more} if self.further else {}

    def named(self, name: str, seed: int | None) -> str:
        """The base or setup `name` as it is with a seed; itself where nothing in it depends on the seed."""
        depends = name in self._bases or name in self._setups
        return ids.replicate(name, seed) if depends and seed != self.seeds[0] else name

    def each(self, names: Iterable[str]) -> list[str]:
        """These bases or setups with the first seed, then with the second and so on, each once."""
        plain = list(names)
        return list(dict.fromkeys(self.named(name, seed) for seed in self.seeds for name in plain))

    def merging_seed(self, setup: str) -> int:
        """The seed of the random choices of merges: DARE's masks, the texts that coefficients are fitted to."""
        return self._seed(setup)

    def initialisation_seed(self, base: str) -> int:
        """The seed of random weights, and of the noise of a clone."""
        return self._seed(base) if "initialisation" in self._vary else self.seeds[0]

    def order_seed(self, model_id: str) -> int:
        """The seed of the order of the text that a base or model is trained on."""
        return self._seed(model_id) if "order" in self._vary else self.seeds[0]

    def _seed(self, model_id: str) -> int:
        seed = ids.split_seed(model_id)[1]
        return self.seeds[0] if seed is None else seed
