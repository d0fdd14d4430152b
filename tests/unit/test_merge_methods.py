"""Merge methods of the user's own: found, checked before any job, merged by, and known by their source."""

import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import ROOT, VOCABULARY
from safetensors.torch import load_file

from growmerge.artifacts import publish, sha256_file
from growmerge.catalogue.merge_methods import KINDS
from growmerge.catalogue.merge_registry import member_statistics, merge_methods
from growmerge.config import load_files
from growmerge.config.load import merge_mappings, read_yaml, validate
from growmerge.config.merging import Method
from growmerge.data.token_counts import count_tokens, read_token_counts
from growmerge.data.tokenizer import save_tokenizer, train_tokenizer
from growmerge.errors import GrowmergeError
from growmerge.merging.card import card
from growmerge.merging.merge import merge_models
from growmerge.merging.recipe import Recipe
from growmerge.merging.request import Request
from growmerge.study.grid import Grid
from growmerge.study.layout import Layout
from growmerge.study.merge_params import method_of

HEAD = """
from __future__ import annotations

from growmerge.lazily import lazily
from growmerge.merging.methods import Tensors, merge_method

with lazily():
    import torch

"""
MODULE = (
    HEAD
    + '''
@merge_method(base="required", members=(2, None))
def halfway(tensors: Tensors, weight: list[float], pull: float = 0.5, flip: bool = False) -> torch.Tensor:
    """A part of the way from the base to the weighted mean."""
    weights = torch.tensor(weight) / sum(weight)
    moved = torch.tensordot(weights, tensors.deltas.float(), 1)
    return tensors.base + (-pull if flip else pull) * moved


@merge_method(statistics=["token_counts"])
def by_counts(tensors: Tensors) -> torch.Tensor:
    counts = torch.stack(tensors.statistics["token_counts"]).float()
    if tensors.name != "model.embed_tokens.weight":
        return tensors.members.mean(0)
    shares = (counts + 1) / (counts + 1).sum(0)
    return (shares.unsqueeze(-1) * tensors.members).sum(0)


@merge_method(draws=True)
def noisy(tensors: Tensors, scale: list[float] | None = None) -> torch.Tensor:
    noise = [torch.randn(tensors.shape, generator=tensors.generator(code)) for code in tensors.languages]
    return (tensors.members + torch.stack(noise)).mean(0)


@merge_method(name="constant")
def anything(tensors: Tensors, value: float, times: int = 1) -> torch.Tensor:
    return torch.full(tensors.shape, value * times, dtype=torch.float64)
'''
)


@pytest.fixture(scope="module")
def models(tiny):
    return {name: tiny.checkpoint(name, seed) for seed, name in enumerate(("base", "swe", "isl", "ekk"))}


@pytest.fixture
def module(tmp_path):
    file = tmp_path / "my_methods.py"
    file.write_text(MODULE, encoding="utf-8")
    return file


def recipe(models, module, method, codes=("isl", "swe"), dtype="float32", seed=42, **more):
    members = {code: models[code] for code in codes}
    return Recipe(members, models["base"], Method(**method), dtype, seed, modules=(module,), **more)


def merged(folder, chosen):
    merge_models({folder: chosen})
    return load_file(folder / "model.safetensors")


def loaded(models, *names):
    return [load_file(models[name] / "model.safetensors") for name in names]


# --- merges ---------------------------------------------------------------------------------------------------------


def test_a_method_of_the_user_merges_as_it_says(models, module, tmp_path):
    method = {"name": "mine", "method": "halfway", "parameters": {"weight": 1.0}, "weights": {"swe": 3.0}}
    found = merged(tmp_path / "m", recipe(models, module, method))
    base, isl, swe = loaded(models, "base", "isl", "swe")
    assert found.keys() == base.keys()
    for name, tensor in found.items():
        expected = 0.5 * base[name] + 0.5 * (0.25 * isl[name] + 0.75 * swe[name])
        torch.testing.assert_close(tensor, expected, rtol=1e-5, atol=1e-6)


def test_parameters_by_layer_and_switches_reach_the_method(models, module, tmp_path):
    parameters = {"weight": [1, 0.5], "pull": [0.0, 1.0], "flip": True}
    found = merged(tmp_path / "m", recipe(models, module, {"name": "halfway", "parameters": parameters}))
    base, isl, swe = loaded(models, "base", "isl", "swe")
    first, last = "model.layers.0.mlp.up_proj.weight", "model.layers.1.mlp.up_proj.weight"
    assert torch.equal(found[first], base[first])
    torch.testing.assert_close(found[last], 2 * base[last] - (isl[last] + swe[last]) / 2, rtol=1e-5, atol=1e-6)


def test_members_of_a_parameter_are_in_the_order_of_the_languages(models, module, tmp_path):
    method = {"name": "halfway", "weights": {"swe": 1.0, "ekk": 2.0, "isl": 5.0}, "parameters": {"pull": 1}}
    found = merged(tmp_path / "m", recipe(models, module, method, codes=("swe", "isl", "ekk")))
    swe, isl, ekk = loaded(models, "swe", "isl", "ekk")
    for name, tensor in found.items():
        torch.testing.assert_close(tensor, (swe[name] + 5 * isl[name] + 2 * ekk[name]) / 8, rtol=1e-5, atol=1e-6)


def test_whatever_a_method_computes_in_the_merge_has_its_dtype(models, module, tmp_path):
    chosen = recipe(models, module, {"name": "constant", "parameters": {"value": 0.5, "times": 3}}, dtype="float16")
    found = merged(tmp_path / "m", chosen)
    assert {(tensor.dtype, tensor.min().item(), tensor.max().item()) for tensor in found.values()} == {
        (torch.float16, 1.5, 1.5)
    }


def test_draws_depend_on_the_seed_and_the_member_not_on_what_else_is_merged(models, module, tmp_path):
    method = {"name": "noisy"}
    one = merged(tmp_path / "1", recipe(models, module, method))
    linear = Recipe(recipe(models, module, method).members, models["base"], LINEAR, "float32", 42)
    merge_models({tmp_path / "linear": linear, tmp_path / "2": recipe(models, module, method)})
    two = load_file(tmp_path / "2/model.safetensors")
    other = merged(tmp_path / "3", recipe(models, module, method, seed=43))
    norm = "model.norm.weight"
    assert all(torch.equal(one[name], two[name]) for name in one)
    assert not torch.equal(one[norm], other[norm])
    assert not torch.equal(one[norm], one["model.layers.0.input_layernorm.weight"]), "both are ones in all members"


LINEAR = Method(name="linear", parameters={"weight": 1.0})


def test_draws_from_torchs_own_generator_are_the_same_in_every_run(models, tmp_path):
    file = tmp_path / "drawing.py"
    text = "@merge_method(draws=True)\ndef own(tensors: Tensors):\n    return torch.randn(tensors.shape)\n"
    file.write_text(HEAD + text, encoding="utf-8")
    before = torch.random.get_rng_state()
    one, again, other = (
        merged(tmp_path / name, recipe(models, file, {"name": "own"}, seed=seed))
        for name, seed in (("one", 1), ("again", 1), ("other", 2))
    )
    assert all(torch.equal(one[name], again[name]) for name in one)
    assert not any(torch.equal(one[name], other[name]) for name in one)
    assert torch.equal(torch.random.get_rng_state(), before)


# --- statistics -----------------------------------------------------------------------------------------------------


def counted(tiny, code, seed):
    folder = tiny.folder / "statistics/token_counts" / code
    if not folder.exists():
        count_tokens([tiny.shard(code, 40, seed)], tiny.folder / "tokenizer", VOCABULARY, folder)
    return folder


@pytest.fixture(scope="module")
def counts(tiny):
    return {code: counted(tiny, code, seed) for seed, code in enumerate(("swe", "isl"))}


def test_tokens_are_counted_in_all_shards(tiny, counts, tmp_path):
    import pyarrow as pa

    shards = [tiny.folder / "tokens" / code / "1-of-1" for code in ("swe", "isl")]
    count_tokens(shards, tiny.folder / "tokenizer", VOCABULARY + 1, tmp_path / "both")
    read = [pa.ipc.open_file(str(shard / "tokens.arrow")).read_all()["tokens"].to_pylist() for shard in shards]
    expected = [sum(tokens.count(token) for tokens in read) for token in range(VOCABULARY + 1)]
    assert read_token_counts(tmp_path / "both").tolist() == expected
    assert sum(expected) == len(read[0]) + len(read[1]) > 0


def test_a_token_outside_of_the_vocabulary_is_an_error(tiny, counts, tmp_path):
    with pytest.raises(GrowmergeError, match=r"1-of-1: has token \d+, but tokenizer.vocab_size = 9 allows 0 to 8"):
        count_tokens([tiny.folder / "tokens/swe/1-of-1"], tiny.folder / "tokenizer", 9, tmp_path / "counts")


def test_tokens_of_a_damaged_shard_are_not_counted(tiny, tmp_path):
    shutil.copytree(tiny.shard("damaged", 5, 1), tmp_path / "shard")
    data = bytearray((tmp_path / "shard/tokens.arrow").read_bytes())
    data[len(data) // 2] ^= 1
    (tmp_path / "shard/tokens.arrow").write_bytes(data)
    with pytest.raises(GrowmergeError, match=r"shard/tokens\.arrow: its bytes differ"):
        count_tokens([tmp_path / "shard"], tiny.folder / "tokenizer", VOCABULARY, tmp_path / "counts")
    assert not (tmp_path / "counts").exists()


def test_a_method_gets_the_statistics_that_it_asks_for(models, module, counts, tmp_path):
    chosen = recipe(models, module, {"name": "by_counts"}, statistics={"token_counts": counts})
    found = merged(tmp_path / "m", chosen)
    isl, swe = loaded(models, "isl", "swe")
    of_isl, of_swe = (np.load(counts[code] / "counts.npy") + 1 for code in ("isl", "swe"))
    share = torch.from_numpy(of_isl / (of_isl + of_swe)).float().unsqueeze(1)
    rows = "model.embed_tokens.weight"
    torch.testing.assert_close(found[rows], share * isl[rows] + (1 - share) * swe[rows], rtol=1e-5, atol=1e-6)
    other = "model.layers.0.mlp.up_proj.weight"
    torch.testing.assert_close(found[other], (isl[other] + swe[other]) / 2, rtol=1e-5, atol=1e-6)
    assert set(counts.values()) <= set(chosen.inputs)


def test_other_statistics_are_another_merge(tiny, models, module, counts):
    method = {"name": "by_counts"}
    one = recipe(models, module, method, statistics={"token_counts": counts})
    two = recipe(models, module, method, statistics={"token_counts": counts | {"swe": counted(tiny, "more", 9)}})
    assert one.digest != two.digest


def test_statistics_of_another_tokenizer_are_refused(tiny, models, module, counts, tmp_path):
    with publish(tmp_path / "tokenizer") as draft:
        save_tokenizer(train_tokenizer(["another text"], 260), draft.folder)
    count_tokens([tiny.folder / "tokens/swe/1-of-1"], tmp_path / "tokenizer", VOCABULARY, tmp_path / "counts")
    strange = {"token_counts": counts | {"swe": tmp_path / "counts"}}
    with pytest.raises(GrowmergeError, match="counts: token_counts of swe are those of another tokenizer than that of"):
        merge_models({tmp_path / "m": recipe(models, module, {"name": "by_counts"}, statistics=strange)})


# --- identity -------------------------------------------------------------------------------------------------------


def test_an_edit_of_a_module_is_another_merge_by_its_methods_and_by_no_others(models, module, tmp_path):
    halfway = {"name": "halfway", "parameters": {"weight": 1.0}}
    linear = {"name": "linear", "parameters": {"weight": 1.0}}
    other = tmp_path / "other.py"
    other.write_text(HEAD + "@merge_method()\ndef own(tensors: Tensors):\n    return tensors.members[0]\n")

    def digests():
        study = [(module, halfway), (module, linear), (other, {"name": "own"}), (other, linear)]
        return [recipe(models, file, method).digest for file, method in study]

    before = digests()
    module.write_text(MODULE.replace("0.5", "0.25"), encoding="utf-8")
    after = digests()
    assert [one == two for one, two in zip(before, after, strict=True)] == [False, True, True, True]
    assert before[1] == before[3] == recipe(models, module, linear).digest
    module.write_text(MODULE, encoding="utf-8")
    assert digests() == before


# What the code before the registry gave for the checkpoints of `models`: identities and weights of merges of ekk, isl
# and swe in float16 with the seed 42.
BEFORE = {
    "linear": (
        "a82eff09e1b67e35a8b5ef294e38207beecd917a8299a7f3c7d2fb4818e09f17",
        "dc5b1efbec4e43c6e6eb5c31e18db8097e9a94e193a86efcfca8c15da27bbcf2",
    ),
    "task_arithmetic": (
        "49a5ed7cf2513354c6f4d647ea4f70323b72a3cc488445cc17da48dc444b4632",
        "80e2c98e8cc0e2cebd6340470ee966b37821f0fe1b2edf90af43f11e405110b2",
    ),
    "ties": (
        "9d23d3f829a4e8cfe4f0b33807ba307c5c5fba98b4c23928e3e0d5364e05f0a6",
        "1bd450eb3823f7c90f44f473c40792bffe007894739c38cece12d5d785ddab43",
    ),
    "dare_ties": (
        "86d9ef678b7cb57e3314a37cdf108e97092f17d94e5ca31609dd048222ab9ec7",
        "5b08cc1247700badbe75f4a0b5e25b40612fe86b3a6180eb2551bd25e36335fc",
    ),
    "multislerp": (
        "43bb868d656d97d7d72fafe3ebd14eaef7c96589cd9108cab4fd83e8279449dd",
        "6fb28d20154a392f9a4ffd2851b6deecba5b429687bc2823e97594352055ed19",
    ),
    "della": (
        "8a5e3d380b586cdf3e9c77c545a2f1e3ffbdf749300b4ba179ada049e51fc7cd",
        "28a81ec74426e899b3bec8813526b6bdf4f2035dd5ba144e0f165d0187ee1ce0",
    ),
}


def test_a_merge_by_mergekits_method_is_what_it_was(models, tmp_path):
    configured = {m.name: m for m in load_files(ROOT / "config/config.yaml").merging.methods}
    configured["della"] = Method(name="della", uses_base=True, parameters={"weight": 1.0, "density": 0.5})
    members = {code: models[code] for code in ("swe", "isl", "ekk")}
    recipes = {tmp_path / name: Recipe(members, models["base"], m, "float16", 42) for name, m in configured.items()}
    found = {folder.name: chosen.digest for folder, chosen in recipes.items()}
    assert found == {name: digest for name, (digest, _) in BEFORE.items()}
    merge_models(recipes)
    assert {f.name: sha256_file(f / "model.safetensors") for f in recipes} == {n: w for n, (_, w) in BEFORE.items()}


def test_the_registry_has_mergekits_methods_and_those_of_modules(module):
    assert KINDS.keys() <= merge_methods().keys()
    assert merge_methods([module]).keys() - merge_methods().keys() == {"halfway", "by_counts", "noisy", "constant"}
    assert {name for name, method in merge_methods().items() if method.in_parts} == {
        *("linear", "task_arithmetic", "ties", "dare_ties", "dare_linear", "multislerp")
    }
    assert "token_counts" in member_statistics()


def test_a_file_added_to_the_package_is_a_method_added(tmp_path, monkeypatch):
    from growmerge.catalogue import merge_registry as registry
    from growmerge.merging import methods

    (tmp_path / "thirds.py").write_text(HEAD + "@merge_method()\ndef thirds(tensors: Tensors):\n    return 0\n")
    monkeypatch.setattr(methods, "__path__", [*methods.__path__, str(tmp_path)])
    registry._built_in.cache_clear()
    try:
        added = merge_methods()["thirds"]
    finally:
        monkeypatch.undo()
        registry._built_in.cache_clear()
    assert added.source.digest == sha256_file(tmp_path / "thirds.py")
    assert added.module is None
    assert "thirds" not in merge_methods()


BY_ROWS = (
    HEAD
    + """
@merge_method(by_rows=True)
def largest(tensors: Tensors) -> torch.Tensor:
    return tensors.members.amax(0).nan_to_num(0.0)


@merge_method(name="whole")
def of_whole_tensors(tensors: Tensors) -> torch.Tensor:
    return tensors.members.amax(0).nan_to_num(0.0)


@merge_method(by_rows=True)
def number(tensors: Tensors) -> torch.Tensor:
    rows = torch.arange(tensors.shape[0])[tensors.rows] if tensors.shape else torch.tensor(0)
    return rows.view(-1, *[1] * (len(tensors.shape) - 1)).expand(tensors.members.shape[1:]).float()
"""
)


@pytest.fixture
def by_rows(tmp_path):
    file = tmp_path / "by_rows.py"
    file.write_text(BY_ROWS, encoding="utf-8")
    return file


def test_a_method_by_rows_gives_what_it_gives_for_whole_tensors(models, by_rows, tmp_path, monkeypatch):
    from growmerge.merging import blocks

    monkeypatch.setattr(blocks, "BLOCK", 60)  # some rows of 32 elements at a time
    parts, whole, numbers = (
        merged(tmp_path / name, recipe(models, by_rows, {"name": name})) for name in ("largest", "whole", "number")
    )
    for name, tensor in whole.items():
        assert torch.equal(parts[name], tensor)
        assert torch.equal(numbers[name].view(len(tensor), -1)[:, 0], torch.arange(len(tensor)).float()), name


@pytest.mark.parametrize("name", ["largest", "whole"])
def test_models_that_are_not_finite_show_even_if_a_method_leaves_it_out(tiny, models, by_rows, tmp_path, name):
    from growmerge.models.checkpoints import load_checkpoint, save_checkpoint

    broken = load_checkpoint(models["swe"])
    with torch.no_grad():
        broken.model.layers[0].mlp.up_proj.weight[3, 2] = float("nan")
    with publish(tmp_path / "broken") as draft:
        save_checkpoint(broken, draft.folder, tiny.folder / "tokenizer")
    chosen = recipe(models | {"swe": tmp_path / "broken"}, by_rows, {"name": name})
    with pytest.raises(GrowmergeError, match=r"broken: tensor model.layers.0.mlp.up_proj.weight has values that are"):
        merge_models({tmp_path / "m": chosen})


def test_a_method_that_draws_cannot_be_by_rows(tmp_path):
    file = tmp_path / "drawing.py"
    file.write_text(HEAD + "@merge_method(draws=True, by_rows=True)\ndef own(tensors: Tensors):\n    ...")
    with pytest.raises(GrowmergeError, match=r"function own: draws random numbers, .*; remove by_rows"):
        merge_methods([file])


# --- what is told ---------------------------------------------------------------------------------------------------


def test_the_card_names_the_function_and_its_file_and_says_nothing_of_mergekit(models, module, counts, tmp_path):
    chosen = recipe(models, module, {"name": "mine", "method": "halfway", "parameters": {"weight": 1.0}})
    merge_models({tmp_path / "m": chosen})
    text = (tmp_path / "m/README.md").read_text(encoding="utf-8")
    assert f"Made by the function `halfway` of `my_methods.py` (SHA-256 `{sha256_file(module)}`)" in text
    assert "mergekit has no such method" in text
    assert "Task vectors are differences to" in text
    assert "mergekit-yaml" not in text
    assert "tags: [merge]\n" in text
    assert str(module.parent) not in text.replace(str(models["base"].parent), "")
    assert not (tmp_path / "m/mergekit_config.yml").exists()
    asking = recipe(models, module, {"name": "by_counts"}, statistics={"token_counts": counts})
    assert "which also reads token_counts of the members" in card(asking)


def test_the_card_of_multislerp_says_where_mergekit_differs(models, tmp_path):
    chosen = Method(name="multislerp", parameters={"weight": 1.0})
    members = {code: models[code] for code in ("swe", "isl")}
    assert "NaN in its place where members are parallel" in card(Recipe(members, models["base"], chosen, "float16", 1))


WRONG_RESULTS = {
    "a shape": (
        "tensors.members",
        r"returned shape \[2, 320, 32\] for tensor model.embed_tokens.weight of shape \[320",
    ),
    "nothing": ("None", "merge method own: returned NoneType for tensor model.embed_tokens.weight"),
    "no number": ("tensors.members[0] * float('nan')", "tensor .* merged by own, has values that are not finite"),
}


@pytest.mark.parametrize("what", WRONG_RESULTS)
def test_a_result_that_is_no_such_tensor_is_one_error(what, models, tmp_path):
    result, message = WRONG_RESULTS[what]
    file = tmp_path / "wrong.py"
    file.write_text(HEAD + f"@merge_method()\ndef own(tensors: Tensors):\n    return {result}\n", encoding="utf-8")
    with pytest.raises(GrowmergeError, match=message):
        merge_models({tmp_path / "m": recipe(models, file, {"name": "own"})})
    assert not (tmp_path / "m").exists()


# --- the configuration ----------------------------------------------------------------------------------------------

MINIATURE = merge_mappings(read_yaml(ROOT / "config/config.yaml"), read_yaml(ROOT / "config/miniature.yaml"))
PAIRS = {"name": "linear", "parameters": {"weight": 1.0}}


def configuration(*methods, modules=("my_methods.py",), **merging):
    chosen = {"modules": list(modules), "methods": [PAIRS, *methods], "healing": None, "rounds": None} | merging
    analysis = MINIATURE["analysis"] | {"pairwise_method": "linear"}
    return MINIATURE | {"merging": MINIATURE["merging"] | chosen, "analysis": analysis}


HALFWAY = {"name": "halfway", "parameters": {"weight": 1.0}}
WRONG = {
    "a parameter's spelling": (
        HALFWAY | {"parameters": {"weight": 1.0, "pul": 1.0}},
        "merging.methods.1.parameters.pul = 'pul': no such parameter of halfway; did you mean 'pull'?",
    ),
    "a type": (
        HALFWAY | {"parameters": {"weight": 1.0, "flip": 1.0}},
        "methods.1.parameters.flip = 1.0: must be true or false",
    ),
    "a whole number": (
        {"name": "constant", "parameters": {"value": 1.0, "times": 1.5}},
        "methods.1.parameters.times = 1.5: must be a whole number",
    ),
    "a missing parameter": (
        {"name": "constant"},
        "methods.1.parameters.value: is missing; constant has no default for it",
    ),
    "a missing weight": (
        {"name": "halfway", "weights": {"swe": 1.0}},
        "methods.1.parameters.weight: is missing, and `weights` has no weight for",
    ),
    "weights without weight": (
        {"name": "noisy", "weights": {"swe": 1.0}},
        "methods.1.weights = {'swe': 1.0}: noisy has no weights",
    ),
    "a base too many": (
        {"name": "noisy", "uses_base": True},
        "uses_base = True: noisy has no base model; leave it out",
    ),
    "a method's spelling": (
        HALFWAY | {"name": "x", "method": "halfwey"},
        "methods.1.method = 'halfwey': no such merge method of mergekit or merging.modules; did you mean 'halfway'?",
    ),
}


def in_one_line(error):
    (line,) = str(error.value).splitlines()
    return line


@pytest.mark.parametrize("what", WRONG)
def test_a_wrong_method_is_one_line_before_any_job(what, module):
    method, message = WRONG[what]
    with pytest.raises(GrowmergeError, match=re.escape(message)) as error:
        validate(configuration(method))
    in_one_line(error)


WRONG_MODULES = {
    "is missing": (None, "no such file, neither next to the configuration"),
    "does not parse": ("def f(:", "cannot be imported: SyntaxError: "),
    "fails": ("import nothing_of_that_name", "cannot be imported: ModuleNotFoundError: No module named"),
    "fails in several lines": ("raise ValueError('one\\ntwo')", "cannot be imported: ValueError: one two"),
    "ends": ("import sys; sys.exit('stop')", "cannot be imported: SystemExit: stop"),
    "has no method": ("answer = 42", "defines no merge method; decorate a function with @merge_method(...)"),
    "has only another's": (HEAD, "defines no merge method"),
    "has mergekit's name": (
        HEAD + "@merge_method()\ndef ties(tensors: Tensors):\n    ...",
        "bad.py defines a merge method 'ties', but mergekit has one of that name",
    ),
    "has another module's name": (
        HEAD + "@merge_method()\ndef halfway(tensors: Tensors):\n    ...",
        "bad.py defines a merge method 'halfway', but my_methods.py has one of that name",
    ),
    "asks for an unknown statistic": (
        HEAD + "@merge_method(statistics=['token_count'])\ndef own(tensors: Tensors):\n    ...",
        "merge method 'own' of bad.py asks for the statistic 'token_count'; known: coefficients, grams, token_counts",
    ),
    "has a parameter without annotation": (
        HEAD + "@merge_method()\ndef own(tensors: Tensors, pull=1.0):\n    ...",
        "function own: parameter pull is annotated with nothing; it must be list[float] (of each member) or float",
    ),
    "has a parameter of another type": (
        HEAD + "@merge_method()\ndef own(tensors: Tensors, pull: str = 'a'):\n    ...",
        "function own: parameter pull is annotated with str; it must be",
    ),
    "takes anything": (
        HEAD + "@merge_method()\ndef own(tensors: Tensors, **more: float):\n    ...",
        "function own: parameter more is annotated with float; it must be",
    ),
    "takes no tensors": (HEAD + "@merge_method()\ndef own():\n    ...", "function own: takes no tensors"),
}


@pytest.mark.parametrize("what", WRONG_MODULES)
def test_a_module_that_is_at_fault_is_one_line_with_its_key(what, module, tmp_path):
    text, message = WRONG_MODULES[what]
    if text is not None:
        (tmp_path / "bad.py").write_text(text, encoding="utf-8")
    with pytest.raises(GrowmergeError, match=re.escape(message)) as error:
        validate(configuration(modules=["my_methods.py", "bad.py"]))
    assert "merging.modules.1 = 'bad.py': " in in_one_line(error)


def test_a_module_that_is_named_twice_is_an_error(module):
    with pytest.raises(GrowmergeError, match=re.escape("merging.modules.1 = 'my_methods.py': occurs twice")):
        validate(configuration(modules=["my_methods.py", "my_methods.py"]))


def test_annotations_need_not_be_text(tmp_path):
    (tmp_path / "plain.py").write_text(
        "from growmerge.merging.methods import Tensors, merge_method\n"
        "@merge_method()\n"
        "def plain(tensors: Tensors, weight: list[float], n: int, scale: list[float] | None = None, f: float = 1):\n"
        "    ...\n"
    )
    kind = merge_methods([tmp_path / "plain.py"])["plain"].kind
    assert kind.of_model == {"weight": float, "scale": float}
    assert kind.of_merge == {"n": int, "f": float}
    assert kind.required == {"weight", "n"}


def test_a_decorated_function_can_be_called(module):
    method = merge_methods([module])["constant"]

    class Shaped:
        shape = (2, 2)

    assert method(Shaped(), value=2.0).tolist() == [[2.0, 2.0], [2.0, 2.0]]


def test_modules_are_found_next_to_the_configuration_that_names_them_else_from_the_working_directory(tmp_path):
    import yaml

    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/near.py").write_text(MODULE, encoding="utf-8")
    (tmp_path / "far.py").write_text(HEAD + "@merge_method()\ndef far(tensors: Tensors):\n    ...", encoding="utf-8")
    overlay = tmp_path / "mine/study.yaml"
    overlay.write_text(yaml.safe_dump(configuration(HALFWAY, modules=["near.py", "far.py"])), encoding="utf-8")
    study = load_files(overlay)
    assert study.merging.modules == ["mine/near.py", "far.py"]
    assert validate(study.dump(*type(study).model_fields)) == study, "a job reads it again, from elsewhere"
    overlay.write_text(yaml.safe_dump(configuration(HALFWAY, modules=["nearr.py"])), encoding="utf-8")
    with pytest.raises(GrowmergeError, match=r"mine/study.yaml: merging.modules.0 = 'nearr.py': no such file"):
        load_files(overlay)


# --- rules ----------------------------------------------------------------------------------------------------------


def layout(*methods, **merging):
    study = validate(configuration(*methods, **merging))
    return Layout(study, Grid(study))


def test_params_tell_the_source_of_these_methods_alone(module):
    found = layout(HALFWAY)
    linear, halfway = found.study.merging.methods
    assert found.method_params(linear) == linear.model_dump()
    assert found.method_params(halfway) == halfway.model_dump() | {"source": sha256_file(module)}
    assert [method_of(found.method_params(method)) for method in (linear, halfway)] == [linear, halfway]


def test_inputs_are_what_the_methods_ask_for_and_no_more(module):
    found = layout(HALFWAY, {"name": "by_counts"})
    linear, halfway, by_counts = found.study.merging.methods
    assert found.merge_modules([linear]) == found.merge_statistics("1x", "isl+swe", [linear]) == []
    assert found.merge_modules([halfway]) == ["my_methods.py"]
    assert found.merge_statistics("1x", "isl+swe", [halfway]) == []
    expected = [f"results/miniature/statistics/token_counts/{code}" for code in ("isl", "swe")]
    assert found.merge_statistics("1x", "isl+swe@200", [linear, halfway, by_counts]) == expected


def test_text_that_is_not_tokenized_here_has_no_statistics(module):
    def taken(*codes):
        setups = [setup | {"from": {code: "folder:/models" for code in codes}} for setup in MINIATURE["setups"]]
        return configuration({"name": "by_counts"}, over_training=None) | {"setups": setups, "sharing": None}

    validate(taken("swe"))  # `multi` is still trained on Swedish
    message = (
        "merging.methods.1.name = 'by_counts': needs the text that swe is trained on, but no setup trains on 'swe': "
        "all setups take its models from elsewhere"
    )
    with pytest.raises(GrowmergeError, match=re.escape(message)) as error:
        validate(taken("swe", "multi"))
    assert "`merging: {statistics_from: {swe: ...}}`" in in_one_line(error)


def test_statistics_may_be_computed_from_a_sample_that_the_configuration_names(module):
    def sampled(**texts):
        setups = [setup | {"from": dict.fromkeys(("swe", "multi"), "folder:/x")} for setup in MINIATURE["setups"]]
        chosen = configuration({"name": "by_counts"}, over_training=None, statistics_from=texts)
        return validate(chosen | {"setups": setups, "sharing": None})

    study = sampled(swe="fas")
    found = Layout(study, Grid(study)).merge_statistics("1x", "isl+swe", study.merging.methods)
    assert found == [f"results/miniature/statistics/token_counts/{corpus}" for corpus in ("isl", "fas")]
    for texts, message in (
        ({"sve": "swe"}, "merging.statistics_from.sve = 'sve': no such language"),
        ({"swe": "swee"}, "merging.statistics_from.swe = 'swee': no such corpus"),
    ):
        with pytest.raises(GrowmergeError, match=re.escape(message)) as error:
            sampled(**texts)
        in_one_line(error)


def test_a_request_of_a_rule_becomes_recipes(tiny, models, module, counts):
    configured = [PAIRS, HALFWAY | {"method": "halfway", "name": "mine"}, {"name": "by_counts"}]
    registry = merge_methods([module])
    methods = [Method(**method) for method in configured]
    request = Request(
        combination="isl+swe",
        holders=[models["isl"], models["swe"]],
        methods=[m.model_dump() | ({"source": "x"} if registry[m.registered].source else {}) for m in methods],
        bases=dict.fromkeys(("linear", "mine", "by_counts"), models["base"]),
        modules=[Path(module)],
        statistics=[counts["isl"], counts["swe"]],
        dtype="float32",
        seed=42,
        device="cpu",
        mixed_dtypes=False,
    )
    found = request.recipes()
    assert list(found) == ["linear", "mine", "by_counts"]
    for method, chosen in zip(configured, found.values(), strict=True):
        assert chosen.digest == recipe(models, module, method, statistics={"token_counts": counts}).digest
    assert found["linear"].inputs == [models["isl"], models["swe"]]
    assert found["mine"].inputs == [models["isl"], models["swe"], models["base"]]
    assert found["by_counts"].inputs == [models["isl"], models["swe"], counts["isl"], counts["swe"]]
