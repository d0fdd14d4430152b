"""The grid: a configuration expanded into models with their parents and identity.

A pure module without torch: Snakemake imports it whenever it parses the rules. Every model has an id that is also its
path, such as `2x/swe`; `growmerge.ids` has the grammar.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations
from random import Random
from typing import Literal

from growmerge import ids
from growmerge.config import Study
from growmerge.config.continuing import Round
from growmerge.config.merging import Method, PublishedBase
from growmerge.config.models import Base, Setup
from growmerge.config.references import at_step, is_reference
from growmerge.ids import BASE, COMMON, ENSEMBLE, MULTI
from growmerge.study.replicates import ModelsBySeed, Replicates


@dataclass(frozen=True)
class Model:
    """One model of the grid.

    `parents` are the ids it is made from: none (random, or taken from elsewhere), one (trained or cloned; for an
    intermediate checkpoint its model, for a healed merge the merge, for its control the base) or the members of a
    merge or ensemble, sorted.
    `width` is the factor by which HyperCloning has multiplied the widths of the architecture on the way here.
    `languages` are the targets that it has learned: none for a base.
    `step` is the optimizer step of an intermediate checkpoint, or of the checkpoints that a merge is made from.
    `scored_in` are the languages that it is scored in; None: all of the study.
    """

    id: str
    kind: Literal["base", "model", "merge", "healed", "ensemble", "checkpoint", "external", "floor"]
    parents: tuple[str, ...]
    width: int
    setup: str = ""
    target: str = ""
    method: str = ""
    languages: tuple[str, ...] = ()
    step: int | None = None
    scored_in: tuple[str, ...] | None = None

    def __hash__(self) -> int:
        """That of the id: tables and figures look for thousands of models among thousands."""
        return hash(self.id)

    @property
    def combination(self) -> str:
        """What a merge is made from, as in its id: languages, and the step if they are checkpoints."""
        return ids.checkpoint(self.target, self.step)


class Grid:
    """Every model, merge and score that a study asks for."""

    def __init__(self, study: Study) -> None:
        self.study = study
        self._bases = {base.name: base for base in study.bases}
        self._methods = {method.name: method for method in study.merging.methods}
        self._setups = {setup.name: setup for setup in study.setups}
        self.replicates = Replicates(study)

    # --- what there is ------------------------------------------------------------------------------------------

    @cached_property
    def bases(self) -> list[Model]:
        """Random, imported, trained and cloned bases, parents first."""
        return [self._base(name) for name in self.replicates.each(self._bases)]

    def _base(self, name: str) -> Model:
        plain, seed = ids.split_seed(name)
        parent = self._bases[plain].from_
        parents = (self.replicates.named(parent, seed),) if parent in self._bases else ()
        return Model(name, "base", parents, self._width(plain))

    @cached_property
    def setups(self) -> dict[str, Setup]:
        """The setups of the configuration, also as they are with further seeds, by their names."""
        names = self.replicates.each(self._setups)
        return {name: self._setups[ids.split_seed(name)[0]] for name in names}

    @cached_property
    def targets(self) -> list[str]:
        """What a setup is adapted to: each language, and all of them together."""
        several = len(self.study.languages) > 1
        return [*self.study.language_codes, *([MULTI] if several else [])]

    @cached_property
    def models(self) -> list[Model]:
        """The adapted models: setups x targets; those that share the beginning of their training; those of rounds."""
        adapted = [
            self._adapted(name, target, None if target in setup.from_ else self.base_of_setup(name))
            for name, setup in self.setups.items()
            for target in self.targets
        ]
        for setup, share in self.sharing.items():
            adapted.append(self._adapted(setup, COMMON, self._first_base(setup)))
            experts = self.study.language_codes if share < 1 else []
            adapted += [self._adapted(setup, code, ids.adapted(setup, COMMON)) for code in experts]
        for setup in self.rounds:
            adapted += [self._adapted(setup, code, self.base_of_setup(setup)) for code in self.study.language_codes]
        return adapted

    def _adapted(self, setup: str, target: str, parent: str | None) -> Model:
        parents = () if parent is None else (parent,)
        return Model(
            id=ids.adapted(setup, target),
            kind="model",
            parents=parents,
            width=self.width_of_setup(setup),
            setup=setup,
            target=target,
            languages=self.languages_of(target),
            # Without a parent it is from elsewhere: what else it has learned is not known here.
            scored_in=None if parent is None else self.scored_in(target),
        )

    @cached_property
    def sharing(self) -> dict[str, float]:
        """The setups whose experts train together first, with the share of training after which they branch off."""
        return self.study.sharing.setups if self.study.sharing else {}

    @cached_property
    def sharing_setups(self) -> dict[str, float]:
        """The same setups, and with a share of 0 the setups whose experts start from the same base."""
        sharing = self.study.sharing
        alone = {s.name: 0.0 for s in self.study.setups if sharing and s.base == sharing.base}
        return alone | self.sharing if sharing else {}

    @cached_property
    def rounds(self) -> dict[str, Round]:
        """The setups whose experts restart from their merge, one for each round, earlier rounds first."""
        rounds = self.study.merging.rounds
        made = {r.setup: r for r in rounds.expanded(self._setups)} if rounds else {}
        return {name: self._with_seed(made[ids.split_seed(name)[0]], name) for name in self.replicates.each(made)}

    def _with_seed(self, plain: Round, name: str) -> Round:
        """A round as it is in the setup `name`, which has a seed or none."""
        seed = ids.split_seed(name)[1]
        before = plain.before and self.replicates.named(plain.before, seed)
        return replace(plain, setup=name, before=before, of=self.replicates.named(plain.of, seed))

    @cached_property
    def combinations(self) -> list[str]:
        """Sorted language codes joined by `+`: of every configured size, and of the nested series; smallest first."""
        of_sizes = self._combinations(self.study.merged_sizes)
        nested = [combination for order in self.series for combination in self.nested(order)]
        return sorted({*of_sizes, *nested}, key=lambda combination: (len(ids.languages_of(combination)), combination))

    def nested(self, order: Sequence[str]) -> list[str]:
        """The combinations that grow by one language at a time in this order."""
        return [ids.combination(order[:size]) for size in range(2, len(order) + 1)]

    @cached_property
    def series(self) -> list[tuple[str, ...]]:
        """The orders in which languages are added to a merge one by one."""
        orders, draw = self.study.merging.series, Random(self.study.seed)
        codes = sorted(self.study.language_codes)
        return [*map(tuple, orders.orders), *(tuple(draw.sample(codes, len(codes))) for _ in range(orders.drawn))]

    @cached_property
    def merges(self) -> list[Model]:
        """Setups x combinations x methods; merges of all languages at checkpoints of their training, and of rounds."""
        cells: list[tuple[str, str, int | None]] = [
            (setup, combination, None) for setup in self.setups for combination in self.combinations
        ]
        for setup, share in self.sharing.items():
            sizes = self.study.sharing.sizes if self.study.sharing and share < 1 else []
            cells += [(setup, combination, None) for combination in self._combinations(sizes)]
        cells += [(setup, self._everything, step) for setup, step in self._moments]
        merges = [merge for cell in cells for merge in self._merges_of(*cell, self._methods_of(*cell[1:]))]
        return merges + self._merges_of_rounds

    def _methods_of(self, combination: str, step: int | None) -> list[str]:
        """The methods that merge a combination by name; those with `sizes` of their own merge only finished models."""
        size, languages = len(ids.languages_of(combination)), len(self.study.languages)
        methods = [m for m in self.study.merging.methods if m.merges(size, languages)]
        return [method.name for method in methods if method.sizes is None or step is None]

    def origin_of_setup(self, setup: str) -> str:
        """The setup of the configuration that a setup of rounds comes from; any other is itself."""
        return self.rounds[setup].of if setup in self.rounds else setup

    @property
    def _merges_of_rounds(self) -> list[Model]:
        return [
            self._merge(r.setup, self._everything, None, method) for r in self.rounds.values() for method in r.methods
        ]

    @property
    def _everything(self) -> str:
        return ids.combination(self.study.language_codes)

    @cached_property
    def ensembles(self) -> list[Model]:
        """The output ensembles of the experts: setups x combinations, where the study asks for them."""
        asked = self.study.merging.ensemble
        if asked is None:
            return []
        combinations = self._combinations(asked.sizes or [len(self.study.languages)])
        cells = [(setup, combination) for setup in self._chosen(asked.setups) for combination in combinations]
        merges = [self._merge(setup, combination, None, ENSEMBLE) for setup, combination in cells]
        return [replace(merge, kind="ensemble") for merge in merges]

    def _merge(self, setup: str, combination: str, step: int | None, method: str) -> Model:
        (merge,) = self._merges_of(setup, combination, step, [method])
        return merge

    def _merges_of(self, setup: str, combination: str, step: int | None, methods: Iterable[str]) -> list[Model]:
        """The merges of the same members by several methods. They share their tuples: there may be 100,000 merges."""
        codes = ids.languages_of(combination)
        parents = tuple(ids.checkpoint(ids.adapted(setup, code), step) for code in codes)
        width, languages, scored_in = (
            self.width_of_setup(setup),
            self.languages_of(combination),
            self.scored_in(combination),
        )
        return [
            Model(
                id=ids.merge(setup, codes, method, step),
                kind="merge",
                parents=parents,
                width=width,
                setup=setup,
                target=combination,
                method=method,
                languages=languages,
                step=step,
                scored_in=scored_in,
            )
            for method in methods
        ]

    @cached_property
    def kept(self) -> dict[str, Model]:
        """By id, the merges that stay as models, whatever `merging.keep` says: trainings start from them."""
        healing = self.study.merging.healing
        healed = [(s, m) for s in self._chosen(healing.setups) for m in healing.methods] if healing else []
        merges = [self._merge(setup, self._everything, None, method) for setup, method in healed]
        return {merge.id: merge for merge in [*merges, *self._merges_of_rounds]}

    @cached_property
    def healed(self) -> list[Model]:
        """The merges that are trained on, and their controls: setups x methods x shares."""
        return [model for model, _ in self._healed]

    @cached_property
    def healed_shares(self) -> dict[str, float]:
        """By id, the share of the tokens of `multi` that each of them is trained on."""
        return {model.id: share for model, share in self._healed}

    @cached_property
    def _healed(self) -> list[tuple[Model, float]]:
        healing = self.study.merging.healing
        if healing is None:
            return []
        methods = [*healing.methods, *([BASE] if healing.control else [])]
        cells = [(s, m, share) for s in self._chosen(healing.setups) for m in methods for share in healing.shares]
        return [(self._trained_on(*cell), cell[-1]) for cell in cells]

    def _trained_on(self, setup: str, method: str, share: float) -> Model:
        merge = self._merge(setup, self._everything, None, method)
        parent = self.base_of_setup(setup) if method == BASE else merge.id
        return replace(merge, id=ids.healed(setup, merge.languages, method, share), kind="healed", parents=(parent,))

    def _chosen(self, setups: list[str] | None) -> list[str]:
        """The setups that a section of the configuration names, with each seed; None: all."""
        return self.replicates.each(self._setups if setups is None else setups)

    def _combinations(self, sizes: Iterable[int]) -> list[str]:
        codes = self.study.language_codes
        return [ids.combination(members) for size in sizes for members in combinations(codes, size)]

    @cached_property
    def _moments(self) -> list[tuple[str, int]]:
        """(setup, step) of the checkpoints that are merged over training."""
        merged = self.study.merging.over_training
        return [(setup, step) for setup in merged.setups for step in merged.steps] if merged else []

    @cached_property
    def mixed_over_training(self) -> list[Model]:
        """The checkpoints of `multi` at the steps of the merges over training."""
        return [self.checkpoint(ids.adapted(setup, MULTI), step) for setup, step in self._moments]

    def checkpoint(self, model_id: str, step: int) -> Model:
        """An intermediate checkpoint of an adapted model."""
        model = self.model(model_id)
        return replace(model, id=ids.checkpoint(model_id, step), kind="checkpoint", parents=(model_id,), step=step)

    @cached_property
    def externals(self) -> list[Model]:
        """Models of others, which are only scored."""
        return [Model(ids.external(x.name), "external", (), 1) for x in self.study.external]

    @cached_property
    def imported(self) -> dict[str, str]:
        """Ids of the models that are taken from elsewhere, and from where ('hub:...', 'folder:...')."""
        bases = {b.name: b.from_ for b in self.study.bases if is_reference(b.from_)}
        models = {ids.adapted(s.name, target): x for s in self.study.setups for target, x in s.from_.items()}
        externals = {ids.external(x.name): x.from_ for x in self.study.external}
        return bases | models | externals | self.imported_checkpoints

    @cached_property
    def imported_checkpoints(self) -> dict[str, str]:
        """The same for intermediate checkpoints: the branches of models that are merged over training."""
        setups = {setup.name: setup for setup in self.study.setups}
        return {
            ids.checkpoint(ids.adapted(setup, target), step): at_step(source, setups[setup].branches or "", step)
            for setup, step in self._moments
            for target, source in setups[setup].from_.items()
        }

    @cached_property
    def trained(self) -> list[Model]:
        """Bases, adapted models and healed merges that are trained here."""
        bases = [base for base in self.bases if self.base(base.id).train]
        return [*bases, *(model for model in self.models if model.id not in self.imported), *self.healed]

    @cached_property
    def scored_languages(self) -> list[str]:
        """English and the target languages, in the order of the configuration: what models are scored in."""
        return list(dict.fromkeys([self.study.english.code, *self.study.language_codes]))

    def scored_in(self, target: str) -> tuple[str, ...] | None:
        """The languages in which a model of a target or combination is scored if it is made here; None: all."""
        if self.study.scoring.languages == "all":
            return None
        own = {self.study.english.code, *self.languages_of(target)}
        return tuple(language for language in self.scored_languages if language in own)

    @cached_property
    def score_cells(self) -> list[tuple[str, str]]:
        """(benchmark, language): every benchmark in English and every target language that has it."""
        return [
            (benchmark.name, language)
            for benchmark in self.study.benchmarks
            for language in self.scored_languages
            if benchmark.has(language)
        ]

    def benchmark_places(self, language: str) -> list[int]:
        """The places in the configuration of the benchmarks that a language has."""
        return [place for place, benchmark in enumerate(self.study.benchmarks) if benchmark.has(language)]

    def __iter__(self) -> Iterator[Model]:
        """All that are scored: not the models and merges of rounds before the last."""
        yield from self.bases
        yield from filter(self._is_scored, self.models)
        yield from filter(self._is_scored, self.merges)
        yield from self.healed
        yield from self.ensembles
        yield from self.externals

    def _is_scored(self, model: Model) -> bool:
        return model.setup not in self.rounds or self.rounds[model.setup].last

    # --- look-ups -----------------------------------------------------------------------------------------------

    def base(self, name: str) -> Base:
        """The configuration of a base, whatever its seed."""
        return self._bases[ids.split_seed(name)[0]]

    def method(self, name: str) -> Method:
        """The configuration of a merge method."""
        return self._methods[name]

    def base_of_setup(self, setup: str) -> str:
        """What a setup's models start from, the ancestor of its merges: a base, a common model, or a round's merge."""
        if setup in self.rounds and (before := self.rounds[setup].before):
            (method,) = self.rounds[setup].methods
            return ids.merge(before, self.study.language_codes, method)
        return ids.adapted(setup, COMMON) if setup in self.sharing else self._first_base(setup)

    def width_of_setup(self, setup: str) -> int:
        """The width of a setup's models."""
        return self._width(ids.split_seed(self._first_base(setup))[0])

    def _first_base(self, setup: str) -> str:
        """The base from which a setup's models descend, with its seed."""
        sharing = self.study.sharing
        if setup in self.rounds:
            return self._first_base(self.rounds[setup].of)
        if sharing and setup in self.sharing:
            return sharing.base
        plain, seed = ids.split_seed(setup)
        return self.replicates.named(self._setups[plain].base, seed)

    def merge_base(self, setup: str, combination: str, method: str) -> str:
        """The base of a merge's task vectors: the setup's true ancestor unless the configuration names another.

        Later rounds always have the merge of the round before: differences to another base would hold what that merge
        has learned, in each task vector.
        """
        merging, (plain, seed) = self.study.merging, ids.split_seed(setup)
        if setup in self.rounds:
            if self.rounds[setup].before:
                return self.base_of_setup(setup)
            return self.merge_base(self.rounds[setup].of, combination, method)
        if merging.base not in ("ancestor", "as_published"):
            return self.replicates.named(merging.base, seed)
        published = merging.published_bases if merging.base == "as_published" else []
        fits = [self.replicates.named(r.base, seed) for r in published if _fits(r, plain, combination, method)]
        return [self.base_of_setup(setup), *fits][-1]

    def languages_of(self, target: str) -> tuple[str, ...]:
        """The languages of a target or combination: `multi` and `common` are all of them."""
        everything = target in (MULTI, COMMON)
        return tuple(self.study.language_codes) if everything else tuple(ids.languages_of(target))

    def model(self, model_id: str) -> Model:
        """The base, adapted or healed model of that id, or a merge that is scored or kept."""
        return self._by_id[model_id]

    @cached_property
    def _by_id(self) -> dict[str, Model]:
        return self.kept | {model.id: model for model in self.models} | {model.id: model for model in self}

    def _width(self, name: str) -> int:
        base = self._bases[name]
        factor = base.clone.factor if base.clone else base.width or 1
        return factor * self._width(base.from_) if base.from_ in self._bases else factor

    def by_seed(self, models: Iterable[Model]) -> ModelsBySeed:
        """By id, the models of each seed, of those of the first seed that there are several of; empty for one seed."""
        found: dict[str, dict[int, str]] = {}
        if not self.replicates.further:
            return found
        for plain in dict.fromkeys(ids.split_seed(model.id)[0] for model in models):
            each = {seed: ids.replicate(plain, seed) for seed in self.replicates.further}
            known = {seed: name for seed, name in each.items() if name in self._by_id}
            if known:
                found[plain] = {self.replicates.seeds[0]: plain} | known
        return found

    def with_replicates(self, models: Iterable[Model]) -> list[Model]:
        """These models, and those of the same with further seeds."""
        given = list(models)
        further = [name for each in self.by_seed(given).values() for name in list(each.values())[1:]]
        return list(dict.fromkeys([*given, *map(self.model, further)]))

    def parameters_of_external(self, model_id: str) -> int:
        """What the configuration says; 0 where it says nothing."""
        return next(x.parameters or 0 for x in self.study.external if model_id == ids.external(x.name))

    def parent(self, model_id: str) -> str:
        """The id of the one model that a trained or cloned model starts from."""
        (parent,) = self.model(model_id).parents
        return parent


def _fits(rule: PublishedBase, setup: str, combination: str, method: str) -> bool:
    size = len(ids.languages_of(combination))
    return (
        rule.setup == setup
        and (rule.sizes is None or size in rule.sizes)
        and (rule.methods is None or method in rule.methods)
    )
