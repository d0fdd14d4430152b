"""The grid: a configuration expanded into models with their parents, data and identity.

A pure module without torch: Snakemake imports it whenever it parses the rules. Every model has an id that is also its
path: `base-2x` (a base), `2x/swe` or `2x/multi` (adapted), `2x/isl+swe/ties` (merged).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import Any, Literal

from growmerge.config import Study
from growmerge.config.checks import MULTI, RANDOM
from growmerge.config.schema import Base, Method

# Keys of `training` that change how a training runs, not what comes out: their edits rerun nothing.
OPERATIONAL = {"micro_batch_sequences", "checkpoint_every", "state_every", "log_every"}
SEPARATOR = "+"  # between the languages of a combination; cannot occur in a language code


@dataclass(frozen=True)
class Model:
    """One model of the grid.

    `parents` are the ids it is made from: none (random), one (trained or cloned) or the members of a merge, sorted.
    `width` is the factor by which HyperCloning has multiplied the widths of the architecture on the way here.
    `languages` are the targets that it has learned: none for a base.
    """

    id: str
    kind: Literal["base", "model", "merge"]
    parents: tuple[str, ...]
    width: int
    setup: str = ""
    target: str = ""
    method: str = ""
    languages: tuple[str, ...] = ()


class Grid:
    """Every model, merge and score that a study asks for."""

    def __init__(self, study: Study) -> None:
        self.study = study
        self._bases = {base.name: base for base in study.bases}
        self._methods = {method.name: method for method in study.merging.methods}
        self._setups = {setup.name: setup.base for setup in study.setups}

    # --- what there is ------------------------------------------------------------------------------------------

    @cached_property
    def bases(self) -> list[Model]:
        """Random, trained and cloned bases, parents first."""
        return [
            Model(b.name, "base", () if b.from_ == RANDOM else (b.from_,), self._width(b.name))
            for b in self.study.bases
        ]

    @cached_property
    def targets(self) -> list[str]:
        """What a setup is adapted to: each language, and all of them together."""
        several = len(self.study.languages) > 1
        return [*self.study.language_codes, *([MULTI] if several else [])]

    @cached_property
    def models(self) -> list[Model]:
        """The adapted models: setups x targets."""
        return [
            Model(
                id=f"{setup.name}/{target}",
                kind="model",
                parents=(setup.base,),
                width=self._width(setup.base),
                setup=setup.name,
                target=target,
                languages=self.languages_of(target),
            )
            for setup in self.study.setups
            for target in self.targets
        ]

    @cached_property
    def combinations(self) -> list[str]:
        """Sorted language codes joined by `+`, of every configured size, smallest first."""
        codes = sorted(self.study.language_codes)
        sizes = self.study.merging.sizes or range(2, len(codes) + 1)
        return [SEPARATOR.join(members) for size in sorted(sizes) for members in combinations(codes, size)]

    @cached_property
    def merges(self) -> list[Model]:
        """Setups x combinations x methods."""
        return [
            Model(
                id=f"{setup.name}/{combination}/{method.name}",
                kind="merge",
                parents=tuple(f"{setup.name}/{code}" for code in combination.split(SEPARATOR)),
                width=self._width(setup.base),
                setup=setup.name,
                target=combination,
                method=method.name,
                languages=self.languages_of(combination),
            )
            for setup in self.study.setups
            for combination in self.combinations
            for method in self.study.merging.methods
        ]

    @cached_property
    def score_cells(self) -> list[tuple[str, str]]:
        """(benchmark, language): every benchmark in English and every target language that has it."""
        languages = [self.study.english.code, *self.study.language_codes]
        return [
            (benchmark.name, language)
            for benchmark in self.study.benchmarks
            for language in languages
            if benchmark.languages is None or language in benchmark.languages
        ]

    def __iter__(self) -> Iterator[Model]:
        yield from self.bases
        yield from self.models
        yield from self.merges

    # --- look-ups -----------------------------------------------------------------------------------------------

    def base(self, name: str) -> Base:
        """The configuration of a base."""
        return self._bases[name]

    def method(self, name: str) -> Method:
        """The configuration of a merge method."""
        return self._methods[name]

    def base_of_setup(self, setup: str) -> str:
        """The base that a setup's models start from."""
        return self._setups[setup]

    def width_of_setup(self, setup: str) -> int:
        """The width of a setup's models."""
        return self._width(self._setups[setup])

    def merge_base(self, setup: str) -> str:
        """The base of the task vectors: the setup's true ancestor unless the configuration names another."""
        chosen = self.study.merging.base
        return self.base_of_setup(setup) if chosen == "ancestor" else chosen

    def languages_of(self, target: str) -> tuple[str, ...]:
        """The languages of a target or combination: `multi` is all of them."""
        return tuple(self.study.language_codes) if target == MULTI else tuple(target.split(SEPARATOR))

    def model(self, model_id: str) -> Model:
        """The base or adapted model of that id."""
        return self._by_id[model_id]

    @cached_property
    def _by_id(self) -> dict[str, Model]:
        return {model.id: model for model in self}

    def _width(self, name: str) -> int:
        base = self._bases[name]
        factor = base.clone.factor if base.clone else 1
        return factor if base.from_ == RANDOM else factor * self._width(base.from_)

    # --- what a model is made from ------------------------------------------------------------------------------

    def parent(self, model_id: str) -> str:
        """The id of the one model that a trained or cloned model starts from."""
        (parent,) = self.model(model_id).parents
        return parent

    def corpora_of(self, model_id: str) -> list[str]:
        """Corpora (or parts of one) that a model is trained on; the reference language's too, whose documents scale
        the replay."""
        model = self.model(model_id)
        if model.kind == "base":
            return _unique(corpus for phase in self._bases[model.id].train for corpus in phase)
        codes = {*model.languages, self.study.replay.reference}
        text = [language.corpus for language in self.study.languages if language.code in codes]
        return _unique([*text, *self._replay])

    def recipe(self, model_id: str) -> dict[str, Any]:
        """Everything in the configuration that shapes the weights of a trained model, beside its parent."""
        model = self.model(model_id)
        study = self.study
        shaping = study.training.model_dump(exclude=OPERATIONAL)
        recipe: dict[str, Any] = {"seed": study.seed, "training": shaping, "width": model.width}
        if model.kind == "base":
            base = self._bases[model.id]
            recipe["phases"] = base.train
        else:
            # Sorted: the order of the configuration's list makes no other model.
            chosen = sorted((x for x in study.languages if x.code in model.languages), key=lambda x: x.code)
            reference = next(x for x in study.languages if x.code == study.replay.reference)
            recipe["languages"] = [
                {"code": x.code, "corpus": x.corpus, "epochs": x.epochs, "replay": x.replay} for x in chosen
            ]
            recipe["replay"] = {"reference": reference.corpus, "corpora": self._replay}
        return recipe

    def checkpoint_every(self, model_id: str) -> int:
        """Steps between the published intermediate checkpoints of a trained model."""
        model = self.model(model_id)
        owners = [x for x in self.study.languages if (x.code,) == model.languages]
        own = self._bases[model.id].checkpoint_every if model.kind == "base" else None
        own = owners[0].checkpoint_every if owners else own
        return own or self.study.training.checkpoint_every

    @property
    def _replay(self) -> dict[str, float]:
        return {corpus: share for corpus, share in self.study.replay.corpora.items() if share}

    # --- patterns -----------------------------------------------------------------------------------------------

    def wildcard_constraints(self) -> dict[str, str]:
        """Regular expressions for Snakemake that match what is in the grid, and nothing else."""
        study = self.study
        cloned = [b.name for b in study.bases if b.clone]
        random = [b.name for b in study.bases if b.from_ == RANDOM]
        return {
            "package": one_of(f"{p.name}-{p.version}" for p in study.packages),
            "corpus": one_of(c.name for c in study.corpora),
            "part": one_of(name for c in study.corpora for name in c.names),
            "shard": r"\d+-of-\d+",
            "benchmark": one_of(b.name for b in study.benchmarks),
            "language": one_of([study.english.code, *study.language_codes]),
            "random_base": one_of(random),
            "cloned_base": one_of(cloned),
            "trained_base": one_of(b.name for b in study.bases if b.train),
            "model": one_of(m.id for m in [*self.bases, *self.models]),
            "setup": one_of(s.name for s in study.setups),
            "target": one_of(self.targets),
            "combination": one_of(self.combinations),
            "method": one_of(self._methods),
        }


def one_of(values: Iterable[str]) -> str:
    """A regular expression that matches exactly these strings (and nothing at all where there are none)."""
    return "|".join(re.escape(value) for value in values) or r"(?!)"


def _unique(values: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(values))
