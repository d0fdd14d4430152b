"""Numbers that make no sense, and lists that say a thing twice, are refused wherever they stand."""

import copy
import math
from pathlib import Path

import pytest

from growmerge.config import validate
from growmerge.config.load import merge_mappings, read_yaml
from growmerge.config.models import ACTIVATIONS
from growmerge.errors import GrowmergeError

CONFIG = Path(__file__).parents[2] / "config"
FULL = read_yaml(CONFIG / "config.yaml")
MINIATURE = merge_mappings(FULL, read_yaml(CONFIG / "miniature.yaml"))
MORE = {  # what the shipped configurations leave out
    "unimax": {"characters": 1e9, "max_epochs": 4.0, "fixed": {"swe": 1.5}},
    "sharing": {"base": "base-2x", "shares": [0.05, 0.5], "sizes": [2]},
    "benchmarks": [
        {"name": "translation", "sampling": {"temperature": 0.7, "top_p": 0.9}},
        {"name": "bits_per_byte", "limit": 9},  # a method of the miniature is fitted to such text
    ],
}
ALL = merge_mappings(MINIATURE, MORE)


def numbers(node, path=()):
    """The key path of every number with a fraction."""
    if isinstance(node, float):
        yield path
    for key, value in node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ():
        yield from numbers(value, (*path, key))


def with_value(data, path, value):
    data = copy.deepcopy(data)
    *parents, last = path
    node = data
    for part in parents:
        node = node[part]
    node[last] = value
    return data


def refused(data) -> list[str]:
    with pytest.raises(GrowmergeError) as error:
        validate(data)
    return str(error.value).splitlines()


PLACES = list(numbers(ALL))


def test_the_places_are_those_of_every_section():
    sections = {"corpora", "languages", "unimax", "replay", "architecture", "bases", "sharing", "training", "merging"}
    assert {path[0] for path in PLACES} == sections | {"benchmarks", "analysis", "plan"}
    validate(ALL)


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan], ids=str)
@pytest.mark.parametrize("path", PLACES, ids=lambda path: ".".join(map(str, path)))
def test_no_number_is_infinite_or_none(path, value):
    key = ".".join(map(str, path))
    assert refused(with_value(ALL, path, value)) == [f"configuration: {key} = {value!r}: must be a finite number"]


def test_a_member_of_a_list_of_weights_is_named_alone():
    path = ("merging", "methods", 0, "parameters", "weight")
    said = refused(with_value(ALL, path, [1.0, math.nan]))
    assert said == ["configuration: merging.methods.0.parameters.weight.1 = nan: must be a finite number"]
    (said,) = refused(with_value(ALL, path, "much"))
    assert said.startswith(
        "configuration: merging.methods.0.parameters.weight = 'much': Input should be a valid boolean or "
    )


ABSURD = {
    ("training", "learning_rate"): (6.0, "less than or equal to 1"),
    ("training", "eps"): (1.0, "less than or equal to 0.1"),
    ("training", "weight_decay"): (200.0, "each step would take all of a weight away"),
    ("training", "decay_share"): (0.999, "it is more than all steps"),
    ("training", "batch_sequences"): (0, "greater than or equal to 1"),
    ("architecture", "initializer_range"): (2.0, "less than or equal to 1"),
    ("architecture", "rms_norm_eps"): (1.0, "less than or equal to 0.1"),
    ("architecture", "rope_theta"): (1.0, "greater than 1"),
    ("architecture", "head_dim"): (63, "head_dim 63 is odd"),
    ("architecture", "hidden_act"): ("gelo", "did you mean 'gelu'?"),
    ("bases", 3, "clone", "snr_db"): (-1000.0, "greater than or equal to -60"),
    ("bases", 1, "train"): ([{}], "at least 1 item"),
    ("languages", 0, "epochs"): (4e6, "less than or equal to 1000"),
    ("unimax", "max_epochs"): (1e9, "less than or equal to 1000"),
    ("analysis", "dpi"): (100_000, "less than or equal to 2400"),
    ("seed",): (2**64, "less than"),
}


@pytest.mark.parametrize("path", ABSURD, ids=lambda path: ".".join(map(str, path)))
def test_absurd_values_are_refused(path):
    value, message = ABSURD[path]
    (said,) = refused(with_value(ALL, path, value))
    key = ".".join(map(str, path))
    assert said.startswith(f"configuration: {key}") or said.startswith(f"configuration: {key.rpartition('.')[0]} = ")
    assert message in said


def test_activations_are_those_of_transformers():
    from transformers.activations import ACT2FN

    # xielu needs a package, prelu has weights of its own.
    assert set(ACTIVATIONS) == set(ACT2FN) - {"xielu", "prelu"}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("languages", 0, "corpus"), "eval"),
        (("bases", 1, "train"), [{"eval": 1}]),
        (("replay", "corpora"), {"eval": 0.1}),
        (("tokenizer", "corpora"), ["eval"]),
    ],
    ids=["language", "base", "replay", "tokenizer"],
)
def test_nothing_is_trained_on_what_is_held_out_as_a_whole(path, value):
    whole = {"name": "eval", "sources": [{"kind": "files", "paths": ["x.txt"]}], "heldout": 1.0}
    (said,) = refused(with_value(MINIATURE | {"corpora": [*MINIATURE["corpora"], whole]}, path, value))
    assert said.startswith(f"configuration: {'.'.join(map(str, path))}")
    assert said.endswith("has nothing to train on: all of 'eval' is held out (`heldout: 1.0`)")


BENCHMARK = [{"name": "blimp", "sources": {"eng": {"dataset": "a/b", "splits": ["x", "x"], "configs": ["y"]}}}]
TWICE = {
    "merging.sizes": (("merging", "sizes"), [2, 3, 2], "2 = 2"),
    "merging.series.orders": (
        ("merging", "series"),
        {"orders": [["swe", "isl"], ["swe", "isl"]]},
        "1 = ['swe', 'isl']",
    ),
    "sharing.sizes": (("sharing", "sizes"), [2, 2], "1 = 2"),
    "sharing.shares": (("sharing", "shares"), [0.1, 0.1], "1 = '0.1'"),
    "tokenizer.corpora": (("tokenizer", "corpora"), ["code", "code"], "1 = 'code'"),
    "corpora.2.sources.0.packages": (("corpora", 2, "sources", 0, "packages"), ["django", "django"], "1 = 'django'"),
    "merging.over_training.setups": (
        ("merging", "over_training"),
        {"setups": ["1x", "1x"], "every": 50, "until": 100},
        "1 = '1x'",
    ),
    "benchmarks.0.languages": (("benchmarks",), [{"name": "blimp", "languages": ["eng", "eng"]}], "1 = 'eng'"),
    "benchmarks.0.sources.eng.splits": (("benchmarks",), BENCHMARK, "1 = 'x'"),
    "merging.published_bases.0.sizes": (
        ("merging", "published_bases"),
        [{"setup": "2x", "base": "init", "sizes": [5, 5]}],
        "1 = 5",
    ),
}


@pytest.mark.parametrize("key", TWICE)
def test_a_list_that_holds_something_twice_is_refused(key):
    path, value, last = TWICE[key]
    (said,) = refused(with_value(ALL, path, value))
    assert said.startswith(f"configuration: {key}.{last}: occurs twice; ")


@pytest.mark.parametrize(
    ("path", "value", "key"),
    [
        (("merging", "sizes"), [], "merging.sizes"),
        (("sharing", "sizes"), [], "sharing.sizes"),
        (
            ("merging", "published_bases"),
            [{"setup": "2x", "base": "init", "methods": []}],
            "merging.published_bases.0.methods",
        ),
        (("benchmarks",), [{"name": "parity", "limit": 5, "languages": []}], "benchmarks.0.languages"),
    ],
)
def test_an_empty_list_does_not_silently_mean_the_default(path, value, key):
    (said,) = refused(with_value(ALL, path, value))
    assert said.startswith(f"configuration: {key} = []: is empty; leave it out for ")
