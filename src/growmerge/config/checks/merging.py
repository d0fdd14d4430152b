"""Merge methods get what they take, and there are models to be merged."""

from __future__ import annotations

from typing import Any

from growmerge.catalogue.merge_methods import KINDS, WEIGHT, Kind
from growmerge.config.merging import Method, OverTraining
from growmerge.config.problems import Problem, check_known, check_unique
from growmerge.config.schema import Study


def check_merging(study: Study) -> None:
    """Raise Problem at the first fault."""
    methods = [m.name for m in study.merging.methods]
    check_unique("merging.methods", methods)
    for i, method in enumerate(study.merging.methods):
        _check_method(f"merging.methods.{i}", method, study)
    bases = [b.name for b in study.bases]
    if study.merging.base not in ("ancestor", "as_published"):
        check_known("merging.base", study.merging.base, bases, "base")
    for i, rule in enumerate(study.merging.published_bases):
        key = f"merging.published_bases.{i}"
        check_known(f"{key}.setup", rule.setup, [s.name for s in study.setups], "setup")
        check_known(f"{key}.base", rule.base, bases, "base")
        for name in rule.methods or []:
            check_known(f"{key}.methods", name, methods, "merge method")
    sizes = {"merging.sizes": study.merging.sizes, "sharing.sizes": study.sharing and study.sharing.sizes}
    for key, size in [(f"{key}.{i}", size) for key, given in sizes.items() for i, size in enumerate(given or [])]:
        if size > len(study.languages):
            raise Problem(key, size, f"there are only {len(study.languages)} languages to combine")
    for i, order in enumerate(study.merging.series.orders):
        check_unique(f"merging.series.orders.{i}", order)
        for j, code in enumerate(order):
            check_known(f"merging.series.orders.{i}.{j}", code, study.language_codes, "language")
    if study.merging.over_training:
        _check_over_training(study, study.merging.over_training)
    if methods and len(study.languages) > 1:
        check_known("analysis.pairwise_method", study.analysis.pairwise_method, methods, "merge method")


def _check_over_training(study: Study, merged: OverTraining) -> None:
    key, setups = "merging.over_training", {setup.name: setup for setup in study.setups}
    if len(study.languages) < 2:
        raise Problem(key, merged.every, "there is only one language: nothing to merge")
    if not merged.steps:
        raise Problem(f"{key}.until", merged.until, f"is before the first step, {merged.every} (`every`)")
    for i, name in enumerate(merged.setups):
        check_known(f"{key}.setups.{i}", name, setups, "setup")
        taken = setups[name].from_
        if taken and setups[name].branches is None:
            message = f"takes {', '.join(taken)} from elsewhere: say in `setups` what `branches` their checkpoints have"
            raise Problem(f"{key}.setups.{i}", name, message)
        for language in study.languages:
            saved = language.checkpoint_every or study.training.checkpoint_every
            if language.code not in taken and merged.every % saved:
                message = f"'{name}/{language.code}' saves a checkpoint every {saved} steps: choose a multiple"
                raise Problem(f"{key}.every", merged.every, message)


def _check_method(key: str, method: Method, study: Study) -> None:
    check_known(
        f"{key}.method" if method.method else f"{key}.name", method.of_mergekit, KINDS, "merge method of mergekit"
    )
    kind = KINDS[method.of_mergekit]
    if kind.base == "required" and not method.uses_base:
        raise Problem(f"{key}.uses_base", False, f"mergekit's {method.of_mergekit} needs a base model; set it to true")
    if kind.base == "ignored" and method.uses_base:
        raise Problem(f"{key}.uses_base", True, f"mergekit's {method.of_mergekit} has no base model; leave it out")
    fewest, most = kind.members
    merging, sharing = study.merging, study.sharing
    series = [len(order) for order in merging.series.orders] + [len(study.languages)] * merging.series.drawn
    longest = [*series, *([len(study.languages)] if merging.over_training else [])]
    for size in sorted({*study.merged_sizes, *(sharing.sizes if sharing else []), *longest}):
        if size < fewest or (most is not None and size > most):
            message = f"merges exactly {most} models, but there are combinations of {size} (merging.sizes)"
            raise Problem(key, method.name, message)
    for name, value in method.parameters.items():
        check_known(f"{key}.parameters.{name}", name, kind.parameters, f"parameter of mergekit's {method.of_mergekit}")
        _check_parameter(f"{key}.parameters.{name}", name, value, method.of_mergekit, kind)
    if "epsilon" in kind.of_model:
        _check_spread(key, method)
    for code, value in method.weights.items():
        check_known(f"{key}.weights.{code}", code, study.language_codes, "language")
        if WEIGHT not in kind.of_model:
            raise Problem(f"{key}.weights", method.weights, f"mergekit's {method.of_mergekit} has no weights")
        _check_parameter(f"{key}.weights.{code}", WEIGHT, value, method.of_mergekit, kind)
    if WEIGHT in kind.of_model and WEIGHT not in method.parameters:
        lacking = [code for code in study.language_codes if code not in method.weights]
        if lacking:
            message = f"is missing, and `weights` has none for {lacking[0]}; 1.0 gives all members the same"
            raise Problem(f"{key}.parameters.weight", None, message)


def _check_parameter(key: str, name: str, value: Any, method: str, kind: Kind) -> None:
    if name in kind.ignored:
        raise Problem(key, value, f"mergekit's {method} takes it and does not use it; leave it out")
    wanted = kind.parameters[name]
    numbers = value if isinstance(value, list) else [value]
    if isinstance(value, list) and (wanted is not float or not value):
        raise Problem(key, value, "a list, which is interpolated over the layers, must hold numbers and be for one")
    fits = {bool: (bool,), int: (int,), float: (int, float)}[wanted]
    if any(not isinstance(number, fits) or (isinstance(number, bool) and wanted is not bool) for number in numbers):
        what = {bool: "true or false", int: "a whole number", float: "a number or a list of numbers"}[wanted]
        raise Problem(key, value, f"must be {what}")
    if name in ("density", "select_topk") and any(not 0 <= number <= 1 for number in numbers):
        raise Problem(key, value, "is the share of elements that is kept, from 0 to 1")


def _check_spread(key: str, method: Method) -> None:
    """DELLA keeps an element with a probability within `epsilon` of the density, which must be one."""
    density, epsilon = (method.parameters.get(name, default) for name, default in (("density", 1.0), ("epsilon", 0.15)))
    densities = density if isinstance(density, list) else [density]
    spread = max(epsilon) if isinstance(epsilon, list) else epsilon
    if any(0 < number < 1 and not spread < number < 1 - spread for number in densities):
        message = f"epsilon {spread} is subtracted from and added to density {density}, which must stay within 0 and 1"
        raise Problem(f"{key}.parameters.epsilon", spread, message)
