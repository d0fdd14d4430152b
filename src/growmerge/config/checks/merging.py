"""Merge methods get what they take, and there are models to be merged."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import product
from typing import Any

from growmerge.catalogue.merge_methods import COEFFICIENTS, TUNED, WEIGHT, Kind
from growmerge.catalogue.merge_registry import MergeMethod, member_statistics, merge_methods
from growmerge.config.corpora import Corpus, HubSource
from growmerge.config.merging import Ensemble, Method, OverTraining
from growmerge.config.problems import Problem, check_known, check_unique
from growmerge.config.schema import Study
from growmerge.errors import GrowmergeError


def check_merging(study: Study) -> None:
    """Raise Problem at the first fault."""
    methods = [m.name for m in study.merging.methods]
    check_unique("merging.methods", methods)
    corpora = [name for corpus in study.corpora for name in corpus.names]
    for code, corpus in study.merging.statistics_from.items():
        check_known(f"merging.statistics_from.{code}", code, study.language_codes, "language")
        check_known(f"merging.statistics_from.{code}", corpus, corpora, "corpus")
    registry = _registry(study)
    for i, method in enumerate(study.merging.methods):
        for key, part in method.parts_at(f"merging.methods.{i}").items():
            _check_method(key, part, registry, study)
        if registry[method.registered].kind.of_tokens:
            message = (
                "merges the embedding alone; choose a method for all other tensors, with this one as `embedding: "
                f"{{method: {method.registered}}}`"
            )
            raise Problem(f"merging.methods.{i}.{'method' if method.method else 'name'}", method.registered, message)
    bases = [b.name for b in study.bases]
    if study.merging.base not in ("ancestor", "as_published"):
        check_known("merging.base", study.merging.base, bases, "base")
    for i, rule in enumerate(study.merging.published_bases):
        key = f"merging.published_bases.{i}"
        check_known(f"{key}.setup", rule.setup, [s.name for s in study.setups], "setup")
        check_known(f"{key}.base", rule.base, bases, "base")
        for name in rule.methods or []:
            check_known(f"{key}.methods", name, methods, "merge method")
    ensemble = study.merging.ensemble
    sizes = {
        "merging.sizes": study.merging.sizes,
        "merging.ensemble.sizes": ensemble and ensemble.sizes,
        "sharing.sizes": study.sharing and study.sharing.sizes,
        **{
            f"merging.methods.{i}.sizes": method.sizes
            for i, method in enumerate(study.merging.methods)
            if method.sizes != "all"
        },
    }
    for key, size in [(f"{key}.{i}", size) for key, given in sizes.items() for i, size in enumerate(given or [])]:
        if size > len(study.languages):
            raise Problem(key, size, f"there are only {len(study.languages)} languages to combine")
    for i, order in enumerate(study.merging.series.orders):
        check_unique(f"merging.series.orders.{i}", order)
        for j, code in enumerate(order):
            check_known(f"merging.series.orders.{i}.{j}", code, study.language_codes, "language")
    if ensemble:
        _check_ensemble(study, ensemble)
    if study.merging.over_training:
        _check_over_training(study, study.merging.over_training)
    if methods and len(study.languages) > 1:
        check_known("analysis.pairwise_method", study.analysis.pairwise_method, methods, "merge method")
        if study.merging.methods[methods.index(study.analysis.pairwise_method)].sizes:
            message = "has `sizes` of its own; figures need a method that merges every combination"
            raise Problem("analysis.pairwise_method", study.analysis.pairwise_method, message)


def _check_ensemble(study: Study, ensemble: Ensemble) -> None:
    key = "merging.ensemble"
    if len(study.languages) < 2:
        raise Problem(key, ensemble.model_dump(), "there is only one language: nothing to combine; remove it")
    if study.benchmarks and all(benchmark.decoding(study.seed) for benchmark in study.benchmarks):
        message = "every benchmark generates text, and ensembles are scored by log-likelihoods alone; remove it"
        raise Problem(key, ensemble.model_dump(), message)
    for i, setup in enumerate(ensemble.setups or []):
        check_known(f"{key}.setups.{i}", setup, [s.name for s in study.setups], "setup")


def _check_over_training(study: Study, merged: OverTraining) -> None:
    key, setups = "merging.over_training", {setup.name: setup for setup in study.setups}
    if len(study.languages) < 2:
        raise Problem(key, merged.every, "there is only one language: nothing to merge")
    if not merged.steps:
        raise Problem(
            f"{key}.until", merged.until, f"is smaller than the first step that is merged, {merged.every} (`every`)"
        )
    for i, name in enumerate(merged.setups):
        check_known(f"{key}.setups.{i}", name, setups, "setup")
        taken = setups[name].from_
        if taken and setups[name].branches is None:
            message = (
                f"takes {', '.join(taken)} from elsewhere; state in `setups` which `branches` hold their checkpoints"
            )
            raise Problem(f"{key}.setups.{i}", name, message)
        for language in study.languages:
            saved = language.checkpoint_every or study.training.checkpoint_every
            if language.code not in taken and merged.every % saved:
                message = f"'{name}/{language.code}' saves a checkpoint every {saved} steps; choose a multiple"
                raise Problem(f"{key}.every", merged.every, message)


def _registry(study: Study) -> Mapping[str, MergeMethod]:
    """The merge methods, with those of the study's modules. Raises Problem for a module that is at fault."""
    modules = study.merging.modules
    check_unique("merging.modules", modules)
    for i in range(len(modules)):
        try:
            merge_methods(modules[: i + 1])
        except GrowmergeError as error:
            raise Problem(f"merging.modules.{i}", modules[i], str(error)) from None
    return merge_methods(modules)


def _check_method(key: str, method: Method, registry: Mapping[str, MergeMethod], study: Study) -> None:
    named = f"{key}.method" if method.method else f"{key}.name"
    check_known(named, method.registered, registry, "merge method of mergekit or merging.modules")
    taken = registry[method.registered]
    kind, title = taken.kind, taken.title
    if kind.base == "required" and not method.uses_base and not taken.source:
        raise Problem(f"{key}.uses_base", False, f"{title} needs a base model; set it to true")
    if kind.base == "ignored" and method.uses_base:
        raise Problem(f"{key}.uses_base", True, f"{title} has no base model; leave it out")
    _check_numbers_of_members(key, method, kind, study)
    for name, value in method.parameters.items():
        check_known(f"{key}.parameters.{name}", name, kind.parameters, f"parameter of {title}")
        _check_parameter(f"{key}.parameters.{name}", name, value, taken)
    if "epsilon" in kind.of_model and not taken.source:
        _check_spread(key, method)
    _check_weights(key, method, taken, study)
    own = {WEIGHT} & kind.of_model.keys()  # which `weights` may give
    for name in sorted(kind.required - method.parameters.keys() - own):
        raise Problem(f"{key}.parameters.{name}", None, f"is missing; {title} has no default for it")
    if any(member_statistics()[name].of_text for name in kind.statistics):
        _check_tokenized(named, method, study)
    if COEFFICIENTS in kind.statistics:
        _check_tuned(key, named, method, taken, study)


def _check_numbers_of_members(key: str, method: Method, kind: Kind, study: Study) -> None:
    fewest, most = kind.members
    for size in filter(lambda size: method.merges(size, len(study.languages)), _sizes(study, method)):
        if size < fewest or (most is not None and size > most):
            wanted = (
                f"exactly {most}" if fewest == most else f"{fewest} or more" if most is None else f"{fewest} to {most}"
            )
            message = f"merges {wanted} models, but there are combinations of {size} (merging.sizes)"
            raise Problem(key, method.name, message)


def _sizes(study: Study, method: Method) -> list[int]:
    """The numbers of languages of all combinations, and those that the method names."""
    named = method.sizes if isinstance(method.sizes, list) else []
    merging, sharing = study.merging, study.sharing
    series = [len(order) for order in merging.series.orders] + [len(study.languages)] * merging.series.drawn
    longest = [*series, *([len(study.languages)] if merging.over_training else [])]
    return sorted({*named, *study.merged_sizes, *(sharing.sizes if sharing else []), *longest})


def _check_weights(key: str, method: Method, taken: MergeMethod, study: Study) -> None:
    """Every member has a weight, from `parameters` or `weights`, if the method needs one or any member has its own."""
    for code, value in method.weights.items():
        check_known(f"{key}.weights.{code}", code, study.language_codes, "language")
        if WEIGHT not in taken.kind.of_model:
            raise Problem(f"{key}.weights", method.weights, f"{taken.title} has no weights")
        _check_parameter(f"{key}.weights.{code}", WEIGHT, value, taken)
    needed = WEIGHT in taken.kind.required & taken.kind.of_model.keys()
    if (needed or method.weights) and WEIGHT not in method.parameters:
        lacking = [code for code in study.language_codes if code not in method.weights]
        if lacking:
            message = f"is missing, and `weights` has no weight for {lacking[0]}; 1.0 gives all members the same weight"
            raise Problem(f"{key}.parameters.weight", None, message)


def _check_tokenized(key: str, method: Method, study: Study) -> None:
    """There is text of every language: some setup trains on it here, or `statistics_from` names a sample."""
    for language in study.languages:
        if study.statistics_text(language.code) is None:
            message = (
                f"needs the text that {language.code} is trained on, but no setup trains on '{language.corpus}': all "
                "setups take its models from elsewhere; name a corpus with a sample of its text as "
                f"`merging: {{statistics_from: {{{language.code}: ...}}}}` ('{language.corpus}' itself, if its sources "
                "can be read here), or choose another method"
            )
            raise Problem(key, method.registered, message)


def _check_tuned(key: str, named: str, method: Method, taken: MergeMethod, study: Study) -> None:
    """There is text to fit the method to, and its parameters say how."""
    if key.endswith(".embedding"):
        message = "fits all tensors together; make it the method of the others, too, and leave `embedding` out"
        raise Problem(named, method.registered, message)
    if missing := sorted(TUNED - taken.kind.of_merge.keys()):
        message = f"asks for coefficients, so its function must also have the parameters {', '.join(missing)}"
        raise Problem(named, method.registered, message)
    measured = study.running_text
    if measured is None:
        message = (
            "is fitted to the half of the held-out text that bits per byte does not score, which is cut as the "
            "benchmark bits_per_byte says; add it to `benchmarks`"
        )
        raise Problem(named, method.registered, message)
    for code in study.language_codes:
        if not measured.has(code):
            message = (
                f"is fitted to held-out text of all languages, but '{measured.name}' leaves '{code}' out; add it there"
            )
            raise Problem(named, method.registered, message)
        corpus = study.evaluation_corpus(code)
        if scored := _scored_from(study, code, corpus):
            message = (
                f"is fitted to held-out text, and that of '{code}', '{corpus.name}', holds the sentences that the "
                f"benchmark '{scored}' scores; give '{code}' another `evaluation` corpus, or leave the method out"
            )
            raise Problem(named, method.registered, message)
    for name in TUNED:
        if isinstance(value := method.parameters.get(name), list):
            raise Problem(f"{key}.parameters.{name}", value, "must be one number: it is the same for all layers")


def _scored_from(study: Study, code: str, corpus: Corpus) -> str | None:
    """The first benchmark that reads the same rows of the same dataset as the corpus."""
    read = {(source.dataset, source.config, source.split) for source in corpus.sources if isinstance(source, HubSource)}
    for benchmark in study.benchmarks:
        if benchmark.entry.languages is None or not benchmark.has(code):
            continue
        dataset = benchmark.dataset(code)
        if any((dataset.id, *rows) in read for rows in product(dataset.configs, dataset.splits)):
            return benchmark.name
    return None


def _check_parameter(key: str, name: str, value: Any, method: MergeMethod) -> None:
    if name in method.kind.ignored:
        raise Problem(key, value, f"mergekit accepts this parameter for {method.name} but ignores it; remove it")
    wanted = method.kind.parameters[name]
    numbers = value if isinstance(value, list) else [value]
    if isinstance(value, list) and (wanted is not float or not value):
        raise Problem(
            key,
            value,
            "only a parameter that is a number can be a list of numbers, which is interpolated over the layers",
        )
    fits = {bool: (bool,), int: (int,), float: (int, float)}[wanted]
    if any(not isinstance(number, fits) or (isinstance(number, bool) and wanted is not bool) for number in numbers):
        what = {bool: "true or false", int: "a whole number", float: "a number or a list of numbers"}[wanted]
        raise Problem(key, value, f"must be {what}")
    lowest, highest = method.kind.ranges.get(name, (-math.inf, math.inf))
    if any(not lowest <= number <= highest for number in numbers):
        raise Problem(key, value, f"must be {_in_words(lowest, highest)}")
    shares = () if method.source else ("density", "select_topk")
    if name in shares and any(not 0 <= number <= 1 for number in numbers):
        raise Problem(key, value, "must be from 0 to 1: it is the share of elements that are kept")


def _in_words(lowest: float, highest: float) -> str:
    if highest == math.inf:
        return f"at least {lowest:g}"
    return f"at most {highest:g}" if lowest == -math.inf else f"from {lowest:g} to {highest:g}"


def _check_spread(key: str, method: Method) -> None:
    """DELLA keeps an element with a probability within `epsilon` of the density, which must be one."""
    density, epsilon = (method.parameters.get(name, default) for name, default in (("density", 1.0), ("epsilon", 0.15)))
    densities = density if isinstance(density, list) else [density]
    spread = max(epsilon) if isinstance(epsilon, list) else epsilon
    if any(0 < number < 1 and not spread < number < 1 - spread for number in densities):
        message = (
            f"density - epsilon and density + epsilon must be between 0 and 1; density is {density}, epsilon {spread}"
        )
        raise Problem(f"{key}.parameters.epsilon", spread, message)
