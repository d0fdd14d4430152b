"""The recipe of a training: everything in the configuration that shapes the weights of a model, beside its parent.

Pure, without torch: rules take recipes as params, plans count their steps, trainings follow them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from functools import cached_property
from typing import Any

from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from growmerge.config.languages import Language
from growmerge.config.models import Base
from growmerge.config.training import Training
from growmerge.errors import GrowmergeError
from growmerge.ids import COMMON, MULTI
from growmerge.study.grid import Grid, Model
from growmerge.study.unimax import unimax

# Keys of `training` that change how a training runs, not what comes out: their edits rerun nothing.
OPERATIONAL = {
    "micro_batch_sequences",
    "checkpoint_every",
    "state_every",
    "state_minutes",
    "states_kept",
    "log_every",
    "compile",
    "tensorboard",
}

# Left out of recipes if it is not set, so that trainings from before this key existed stay as they are.
LAYER_SCALE = "layer_scale"

# Keys that only Muon uses. Recipes without it leave them out, so that older trainings stay as they are.
OF_MUON = {"optimizer", "muon_learning_rate"}

_WHOLE = ConfigDict(extra="forbid")


@dataclass(frozen=True, config=_WHOLE)
class Text:
    """The text of a language that a model is adapted to.

    `replay` is the share of the reference language's replay; None: in proportion to the documents of both.
    """

    code: str
    corpus: str
    epochs: float
    replay: float | None


@dataclass(frozen=True, config=_WHOLE)
class Replay:
    """Text of the bases that is mixed into an adaptation: the shares of `corpora` that the reference language replays.

    `reference` is the corpus of that language. `whole_percent`: other languages' shares are rounded to whole percent.
    """

    reference: str
    corpora: dict[str, float]
    whole_percent: bool


@dataclass(frozen=True, config=_WHOLE)
class Pretraining:
    """What a base is trained on: phases in order, each {corpus: epochs}."""

    phases: list[dict[str, float]]


@dataclass(frozen=True, config=_WHOLE)
class Adaptation:
    """What an adapted model is trained on: the text of its languages (sorted by code), and replay."""

    languages: list[Text]
    replay: Replay


@dataclass(frozen=True, config=_WHOLE)
class Recipe:
    """How one model is trained.

    `training` holds the values of the configuration's section that shape the weights; `width` is the model's, as a
    multiple of the architecture's. Without `warmup_steps` or `decay_steps` the schedule follows the rule of `training`.
    With `part`, the model is trained on part `part[0]` of `part[1]` (from 1) of the steps that `data` makes.
    """

    seed: int
    training: dict[str, str | int | float]
    width: int
    data: Pretraining | Adaptation
    warmup_steps: int | None = None
    decay_steps: int | None = None
    part: tuple[int, int] | None = None

    def plain(self) -> dict[str, Any]:
        """The recipe as plain data, from which Snakemake decides whether to rerun, and which manifests record."""
        schedule = {"warmup_steps": self.warmup_steps, "decay_steps": self.decay_steps}
        return {
            "seed": self.seed,
            "training": dict(self.training),
            "width": self.width,
            **asdict(self.data),
            **{key: steps for key, steps in schedule.items() if steps is not None},
            **({} if self.part is None else {"part": list(self.part)}),
        }

    def completed(self, training: Mapping[str, Any], checkpoint_every: int) -> Training:
        """The section `training`, whose other keys shape no weights, with the values of this recipe."""
        return Training.model_validate({**training, **self.training, "checkpoint_every": checkpoint_every})

    @classmethod
    def read(cls, plain: Mapping[str, Any]) -> Recipe:
        """The recipe that `plain` gives. Raises GrowmergeError that names the first key at fault."""
        keys = ("phases",) if "phases" in plain else ("languages", "replay")
        values = {key: value for key, value in plain.items() if key not in keys}
        data = {key: plain[key] for key in keys if key in plain}
        kind = Pretraining if "phases" in plain else Adaptation
        try:
            return TypeAdapter(cls).validate_python(values | {"data": TypeAdapter(kind).validate_python(data)})
        except ValidationError as error:
            fault = error.errors()[0]
            raise GrowmergeError(f"recipe: {'.'.join(map(str, fault['loc']))}: {fault['msg']}") from None


class Recipes:
    """The recipes of a grid's trained models."""

    def __init__(self, grid: Grid) -> None:
        self.grid = grid
        self._languages = {language.code: language for language in grid.study.languages}
        self._multi_shares = {name: setup.multi_share for name, setup in grid.setups.items()}
        self._rates = {name: setup.learning_rate for name, setup in grid.setups.items()}

    def of(self, model_id: str) -> Recipe:
        """The recipe of a trained model."""
        model, study = self.grid.model(model_id), self.grid.study
        owner, made_in = self._owner(model), self.grid.rounds.get(model.setup)
        count = made_in.count if made_in else 1
        return Recipe(
            seed=self.grid.replicates.order_seed(model_id),
            training=_shaping(study.training) | self._own_rate(model),
            width=model.width,
            data=Pretraining(self.grid.base(model.id).train) if model.kind == "base" else self._adaptation(model),
            warmup_steps=_divided(owner.warmup_steps, count) if owner else None,
            decay_steps=_divided(owner.decay_steps, count) if owner else None,
            part=(made_in.number, count) if made_in else None,
        )

    def _own_rate(self, model: Model) -> dict[str, str | int | float]:
        """The learning rate of a model whose base, setup or healing states one of its own."""
        healing = self.grid.study.merging.healing if model.kind == "healed" else None
        if model.kind == "base":
            rate = self.grid.base(model.id).learning_rate
        else:
            rate = (healing and healing.learning_rate) or self._rates.get(self.grid.origin_of_setup(model.setup))
        return {"learning_rate": rate} if rate else {}

    def _adaptation(self, model: Model) -> Adaptation:
        scale, replay = self._share_of_epochs(model), self.grid.study.replay
        # Sorted: the order of the configuration's list makes no other model.
        texts = [
            Text(code, language.corpus, scale * self.epochs[code], language.replay)
            for code, language in sorted(self._languages.items())
            if code in model.languages
        ]
        return Adaptation(texts, Replay(self._languages[replay.reference].corpus, self._replayed, replay.whole_percent))

    def corpora_of(self, model_id: str) -> list[str]:
        """Corpora (or parts of one) that a model is trained on; and, if there is any replay, that of the reference
        language, whose documents scale it."""
        model = self.grid.model(model_id)
        if model.kind == "base":
            return _unique(corpus for phase in self.grid.base(model.id).train for corpus in phase)
        codes = {*model.languages, *([self.grid.study.replay.reference] if self._replayed else [])}
        text = [language.corpus for code, language in self._languages.items() if code in codes]
        return _unique([*text, *self._replayed])

    def checkpoint_every(self, model_id: str) -> int:
        """Steps between the published intermediate checkpoints of a trained model."""
        owner = self._owner(self.grid.model(model_id))
        return (owner and owner.checkpoint_every) or self.grid.study.training.checkpoint_every

    @cached_property
    def epochs(self) -> dict[str, float]:
        """Passes over each language's text: as stated, else what UniMax gives it (Glocker et al. 2025, section 3.4)."""
        study = self.grid.study
        stated = {x.code: x.epochs for x in study.languages if x.epochs is not None}
        rule = study.unimax
        if rule is None:
            return stated
        if not study.shared_out:
            return rule.fixed | stated
        counts = {x.code: study.expected(x.corpus) for x in study.languages}
        characters = {code: count.characters for code, count in counts.items() if count and count.characters}
        return unimax(characters, rule.characters, rule.max_epochs, rule.fixed) | stated

    def _share_of_epochs(self, model: Model) -> float:
        """The share of its languages' epochs that an adapted or healed model trains on itself."""
        if model.kind == "healed":
            return self.grid.healed_shares[model.id] * self._multi_shares[model.setup]
        if model.setup in self.grid.sharing:
            share = self.grid.sharing[model.setup]
            return share / len(model.languages) if model.target == COMMON else 1 - share
        return self._multi_shares[model.setup] if model.target == MULTI else 1.0

    def _owner(self, model: Model) -> Base | Language | None:
        """The entry of the configuration that is about this model alone; none for a multilingual one."""
        return self.grid.base(model.id) if model.kind == "base" else self._languages.get(model.target)

    @property
    def _replayed(self) -> dict[str, float]:
        return {corpus: share for corpus, share in self.grid.study.replay.corpora.items() if share}


def _divided(steps: int | None, count: int) -> int | None:
    return None if steps is None else math.ceil(steps / count)


def _shaping(training: Training) -> dict[str, str | int | float]:
    """The values of a section `training` that shape the weights."""
    left_out = OPERATIONAL if training.optimizer == "muon" else OPERATIONAL | OF_MUON
    return training.model_dump(exclude=left_out if training.layer_scale else left_out | {LAYER_SCALE})


def _unique(values: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(values))
