"""Weights of merged models are of a sane size, and those that are normalized do not cancel each other out."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from growmerge.catalogue.merge_methods import WEIGHT
from growmerge.config.merging import Method
from growmerge.config.problems import Problem
from growmerge.config.schema import Study
from growmerge.ids import combination as name_of

# Merged weights are stored in float16 as a rule: it has no numbers above 65,504, and few digits below 0.0001.
LARGEST = 1000
SMALLEST_SUM = 0.001
# Members whose weights sum to a hundredth of their sizes are multiplied by a hundred, and their differences with them.
SMALLEST_SHARE = 0.01

# mergekit's methods that divide by the sum of the weights: the switch, and its default; "" cannot be switched off.
_TASK = ("task_arithmetic", "dare_ties", "dare_linear", "breadcrumbs", "breadcrumbs_ties", "della_linear")
NORMALIZE: dict[str, tuple[str, bool]] = {
    "linear": ("normalize", True),
    "ties": ("normalize", True),
    "della": ("normalize", True),
    **dict.fromkeys(_TASK, ("normalize", False)),
    "multislerp": ("normalize_weights", True),
    "nuslerp": ("", True),
}
# They divide, element by element, by the sum over those members alone whose signs agree: any of them.
BY_SIGN = ("ties", "dare_ties", "breadcrumbs_ties", "della")

Weight = int | float | list[int | float]


def check_weights(study: Study) -> None:
    """Raise Problem at the first fault."""
    for i, method in enumerate(study.merging.methods):
        for key, part in method.parts_at(f"merging.methods.{i}").items():
            for name in (WEIGHT, "lambda"):
                _check_size(f"{key}.parameters.{name}", part.parameters.get(name, 1))
            for code, weight in part.weights.items():
                _check_size(f"{key}.weights.{code}", weight)
            if part.registered in NORMALIZE:
                _check_sums(key, part, study)


def _check_size(key: str, value: bool | Weight) -> None:
    numbers = value if isinstance(value, list) else [value]
    if any(abs(number) > LARGEST for number in numbers):
        raise Problem(key, value, f"must lie between -{LARGEST} and {LARGEST}: float16 ends at 65,504")


def _check_sums(key: str, method: Method, study: Study) -> None:
    switch, default = NORMALIZE[method.registered]
    normalize = bool(method.parameters.get(switch, default))
    common = method.parameters.get(WEIGHT, 1.0)
    given: dict[str, Weight] = {code: method.weights.get(code, common) for code in study.language_codes}
    layers = study.architecture.num_hidden_layers
    values = {code: [at_depth(weight, layer, layers) for layer in range(layers)] for code, weight in given.items()}
    where, shown = (f"{key}.weights", method.weights) if method.weights else (f"{key}.parameters.{WEIGHT}", common)
    if all(weight >= SMALLEST_SUM for of_code in values.values() for weight in of_code):
        return  # no sum is smaller than what is summed: the usual case, and there may be thousands of combinations
    by_layer = range(layers) if any(isinstance(weight, list) for weight in given.values()) else (0,)
    for codes in _combinations(study, any_part=normalize and method.registered in BY_SIGN):
        for layer in by_layer:
            weights = [values[code][layer] for code in codes]
            total, size = sum(weights), sum(map(abs, weights))
            in_layer = f" in layer {layer}" if any(isinstance(given[code], list) for code in codes) else ""
            if size == 0 and len(codes) > 1:
                message = f"all weights of {name_of(codes)} are 0{in_layer}: nothing is merged"
                raise Problem(where, shown, message)
            if normalize and len(codes) > 1 and abs(total) < max(SMALLEST_SUM, SMALLEST_SHARE * size):
                message = (
                    f"the weights of {name_of(codes)} sum to {total:.3g}{in_layer}, by which the merge is divided"
                    f"{f' (`{switch}`)' if switch else ''}: its values would be {_times(size, total)}; choose others"
                    + (f", or `{switch}: false`" if switch else "")
                )
                raise Problem(where, shown, message)


def _times(size: float, total: float) -> str:
    return "infinite" if total == 0 else f"up to {size / abs(total):.3g} times too large"


def at_depth(value: Weight, layer: int, layers: int) -> float:
    """The weight of a layer: a list is interpolated from the first to the last, as mergekit does."""
    if not isinstance(value, list):
        return value
    scaled = layer / (layers - 1) * (len(value) - 1) if layers > 1 else 0.0
    before = int(scaled)
    after = min(len(value) - 1, before + 1)
    return value[before] + (scaled - before) * (value[after] - value[before])


def _combinations(study: Study, any_part: bool) -> Iterator[tuple[str, ...]]:
    """The combinations that are merged, as far as the configuration states them; or also all parts of them."""
    codes, merging = study.language_codes, study.merging
    sizes = {*study.merged_sizes, *(study.sharing.sizes if study.sharing else [])}
    if merging.over_training or merging.series.drawn or merging.healing or merging.rounds:
        sizes.add(len(codes))
    longest = max([*sizes, *map(len, merging.series.orders)], default=0)
    for size in range(2, longest + 1) if any_part else sorted(sizes):
        yield from combinations(codes, size)
    for order in merging.series.orders:
        for size in range(2, len(order) + 1):
            yield tuple(order[:size])
