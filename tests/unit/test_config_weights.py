"""Weights of merges that cancel each other out, or are of an absurd size, are known before anything is trained."""

from pathlib import Path

import pytest

from growmerge.catalogue.merge_methods import KINDS, WEIGHT
from growmerge.config import validate
from growmerge.config.checks.weights import BY_SIGN, NORMALIZE, at_depth
from growmerge.config.load import merge_mappings, read_yaml
from growmerge.errors import GrowmergeError

CONFIG = Path(__file__).parents[2] / "config"
STUDY = merge_mappings(read_yaml(CONFIG / "config.yaml"), read_yaml(CONFIG / "miniature.yaml"))  # swe, isl, ekk, fas
STUDY["merging"] |= {"healing": None, "rounds": None}  # of methods that these tests replace
EQUAL = {"name": "linear", "parameters": {"weight": 1.0}}


def checked(method: dict, **merging: object) -> None:
    changed = STUDY["merging"] | {"methods": [EQUAL, method], "published_bases": []} | merging
    validate(STUDY | {"merging": changed})


def refused(method: dict, **merging: object) -> str:
    with pytest.raises(GrowmergeError) as error:
        checked(method, **merging)
    (line,) = str(error.value).splitlines()
    return line


def named(name: str, weights: dict, **parameters: object) -> dict:
    base = KINDS[name].base == "required"
    return {"name": f"my-{name}", "method": name, "uses_base": base, "weights": weights, "parameters": parameters}


CANCEL = {"swe": 1.0, "isl": -0.9999999, "ekk": 1.0, "fas": 1.0}


@pytest.mark.parametrize("name", ["linear", "ties", "multislerp", "della"])
def test_normalized_weights_that_cancel_out_are_refused(name):
    said = refused(named(name, CANCEL))
    assert said.startswith("configuration: merging.methods.1.weights = {'swe': 1.0, 'isl': -0.9999999")
    assert "the weights of isl+swe sum to 1e-07, by which the merge is divided (`normalize" in said
    assert "up to 2e+07 times too large" in said


def test_what_is_not_normalized_may_cancel_out():
    checked(named("linear", CANCEL, normalize=False))
    checked(named("task_arithmetic", CANCEL))
    assert "isl+swe" in refused(named("task_arithmetic", CANCEL, normalize=True))
    checked(named("linear", {"swe": 1.0, "isl": -0.9, "ekk": 1.0, "fas": 1.0}))


def test_only_the_combinations_that_are_merged_count():
    weights = {"swe": 1.0, "isl": -1.0, "ekk": 1.0, "fas": 1.0}
    checked(named("linear", weights), sizes=[3])
    assert "isl+swe sum to 0, " in refused(named("linear", weights), sizes=[2])
    assert "ekk+isl sum to 0, " in refused(
        named("linear", weights), sizes=[3], series={"orders": [["isl", "ekk", "swe"]]}
    )
    three = {"swe": 2.0, "isl": -1.0, "ekk": -1.0, "fas": 5.0}
    checked(named("linear", three), sizes=[2])
    assert "ekk+isl+swe sum to 0, " in refused(named("linear", three), sizes=[3])
    # Which members' signs agree differs from element to element: any two of three may be left.
    assert "isl+swe sum to 0, " in refused(named("ties", weights), sizes=[3])


def test_weights_are_held_against_each_other_in_every_layer():
    said = refused(named("linear", {"swe": 1.0, "isl": [1.0, -1.0], "ekk": 1.0, "fas": 1.0}))
    layers = STUDY["architecture"]["num_hidden_layers"]
    assert f"the weights of isl+swe sum to 0 in layer {layers - 1}, " in said
    assert [at_depth([1.0, 0.0, 4.0], layer, 5) for layer in range(5)] == [1.0, 0.5, 0.0, 2.0, 4.0]
    assert at_depth([3.0, 1.0], 0, 1) == 3.0


def test_weights_of_nothing_are_refused():
    said = refused(EQUAL | {"name": "nothing", "method": "linear", "parameters": {"weight": 1e-9}})
    assert "merging.methods.1.parameters.weight = 1e-09: the weights of isl+swe sum to 2e-09" in said
    said = refused(named("task_arithmetic", {}, weight=0.0))
    assert said.endswith("parameters.weight = 0.0: all weights of isl+swe are 0: nothing is merged")
    checked(named("linear", {"swe": 0.0, "isl": 1.0, "ekk": 1.0, "fas": 1.0}))


def test_weights_of_an_absurd_size_are_refused():
    assert "weights.swe = 1000000.0: must lie between -1000 and 1000" in refused(named("linear", CANCEL | {"swe": 1e6}))
    assert "parameters.lambda = -2000: must lie" in refused(named("ties", {}, weight=1.0, **{"lambda": -2000}))


def test_what_normalizes_is_what_mergekit_normalizes():
    from mergekit.merge_methods import registered_methods
    from mergekit.merge_methods.generalized_task_arithmetic import GeneralizedTaskArithmeticMerge

    tasks = {m.method_name: m for m in registered_methods() if isinstance(m, GeneralizedTaskArithmeticMerge)}
    known = {name: default for name, (_, default) in NORMALIZE.items() if name in tasks}
    assert known == {name: method.default_normalize for name, method in tasks.items() if name in KINDS}
    assert set(BY_SIGN) == {name for name, method in tasks.items() if method.consensus_method and name in KINDS}
    assert NORMALIZE.keys() == {name for name, kind in KINDS.items() if WEIGHT in kind.of_model}
    assert all(switch in KINDS[name].of_merge for name, (switch, _) in NORMALIZE.items() if switch)
