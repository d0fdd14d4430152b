"""What is wrong with a merge method is one clear error before any job."""

import subprocess
import sys

import pytest
from conftest import ROOT

from growmerge.config import load_files
from growmerge.config.load import read_yaml, validate
from growmerge.errors import GrowmergeError

STUDY = read_yaml(ROOT / "config/config.yaml")


def with_methods(*methods, **merging):
    return validate(STUDY | {"merging": STUDY["merging"] | {"published_bases": [], "methods": list(methods)} | merging})


LINEAR = {"name": "linear", "parameters": {"weight": 1.0}}
TIES = {"name": "ties", "uses_base": True, "parameters": {"weight": 1.0, "density": 0.5}}


def test_variants_weights_and_layer_ranges_are_taken():
    study = with_methods(
        LINEAR,
        TIES | {"name": "ties-0.9", "method": "ties"},
        TIES | {"name": "ties-by-layer", "method": "ties", "parameters": {"weight": [1, 0.5], "density": [0.2, 0.8]}},
        LINEAR | {"name": "more-swedish", "method": "linear", "weights": {"swe": 2.0}},
        {"name": "della", "uses_base": True, "parameters": {"weight": 1, "density": 0.5, "epsilon": 0.2}},
    )
    assert [method.registered for method in study.merging.methods] == ["linear", "ties", "ties", "linear", "della"]


DELLA = {"name": "della", "uses_base": True, "parameters": {"weight": 1.0, "density": 0.1}}
SCE = {"name": "sce", "uses_base": True, "weights": {"swe": 2.0}}
WRONG = {
    "a method's spelling": (TIES | {"name": "tyes"}, "methods.1.name = 'tyes': no such merge method .*'ties'"),
    "a variant's method": (TIES | {"name": "x", "method": "tie"}, "methods.1.method = 'tie': .*did you mean 'ties'"),
    "a parameter's spelling": (
        TIES | {"parameters": {"weight": 1.0, "densty": 0.5}},
        r"parameters.densty = 'densty': no such parameter of mergekit's ties; did you mean 'density'",
    ),
    "a parameter of another method": (
        {"name": "multislerp", "parameters": {"weight": 1.0, "density": 0.5}},
        "density.*no such parameter of mergekit's multislerp",
    ),
    "an ignored parameter": (
        TIES | {"name": "task_arithmetic"},
        r"methods.1.parameters.density = 0.5: mergekit accepts this parameter for task_arithmetic but "
        "ignores it; remove it",
    ),
    "a lacking base": (TIES | {"uses_base": False}, "uses_base = False: mergekit's ties needs a base model"),
    "a base too many": (
        LINEAR | {"name": "l", "method": "linear", "uses_base": True},
        "mergekit's linear has no base model",
    ),
    "a lacking weight": ({"name": "multislerp"}, "methods.1.parameters.weight: is missing"),
    "a weight's language": (TIES | {"weights": {"sve": 2.0}}, "weights.sve = 'sve': no such language.*'swe'"),
    "weights without weight": (SCE, "methods.1.weights = .*mergekit's sce has no weights"),
    "a switch": (
        TIES | {"parameters": {"weight": 1.0, "normalize": 1}},
        "parameters.normalize = 1: must be true or false",
    ),
    "a number": (TIES | {"parameters": {"weight": True}}, "parameters.weight = True: must be a number or a list"),
    "a list for a switch": (
        TIES | {"parameters": {"weight": 1.0, "normalize": [1, 0]}},
        "normalize = .*only a parameter that is a number can be a list",
    ),
    "percent": (
        TIES | {"parameters": {"weight": 1.0, "density": 50}},
        "density = 50: must be from 0 to 1: it is the share of elements",
    ),
    "della's probabilities": (DELLA, "parameters.epsilon = 0.15: .* between 0 and 1; density is 0.1, epsilon 0.15"),
    "too many members": (
        {"name": "nuslerp", "parameters": {"weight": 1.0}},
        "methods.1 = 'nuslerp': merges exactly 2 models, but there are combinations of 3",
    ),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_wrong_method_is_one_error_that_names_key_and_value(what):
    method, message = WRONG[what]
    with pytest.raises(GrowmergeError, match=message):
        with_methods(LINEAR, method)


def test_a_method_for_two_models_merges_pairs():
    nuslerp = {"name": "nuslerp", "parameters": {"weight": 1.0}}
    assert with_methods(LINEAR, nuslerp, sizes=[2]).merging.methods[1].name == "nuslerp"


def test_the_published_parameters_are_taken():
    methods = load_files(ROOT / "config/config.yaml").merging.methods
    assert {"int8_mask", "normalize", "density", "weight"} == methods[2].parameters.keys()


def test_checking_methods_imports_nothing_heavy():
    code = (
        "import sys; from pathlib import Path; from growmerge.config import load_files;"
        "load_files(Path('config/config.yaml'));"
        "heavy = {'torch', 'mergekit', 'numpy', 'transformers', 'pandas', 'pyarrow'} & set(sys.modules);"
        "sys.exit(' '.join(heavy) or 0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
