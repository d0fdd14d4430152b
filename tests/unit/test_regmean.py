"""Gram matrices of the inputs of linear layers, and the regression mean that is made from them."""

import numpy as np
import pyarrow as pa
import pytest
import torch
from conftest import ARCHITECTURE, ROOT, VOCABULARY
from safetensors.torch import load_file

from growmerge.artifacts import publish, read_manifest
from growmerge.config.load import merge_mappings, read_yaml, validate
from growmerge.config.merging import Method
from growmerge.data.shards import TOKENS
from growmerge.errors import GrowmergeError
from growmerge.merging.grams import GRAMS, collect_grams, gram_matrices, read_gram
from growmerge.merging.merge import merge_models
from growmerge.merging.methods import Tensors
from growmerge.merging.methods.regmean import regmean
from growmerge.merging.recipe import Recipe
from growmerge.models.checkpoints import load_checkpoint, save_checkpoint
from growmerge.models.initialise import initialise, llama_config
from growmerge.study.grid import Grid
from growmerge.study.layout import Layout

CODES = ("isl", "swe")
LENGTH = 16


def tensors(members, grams):
    return Tensors(
        "x", tuple(members.shape[1:]), CODES[: len(members)], members, None, {"grams": grams}, lambda language: 0
    )


def drawn(n=2, out=5, width=4, tokens=50, seed=0):
    generator = torch.Generator().manual_seed(seed)
    members = torch.randn(n, out, width, generator=generator)
    inputs = torch.randn(n, tokens, width, generator=generator)
    return members, inputs, [x.T @ x / tokens for x in inputs]


def test_with_scale_1_it_is_the_least_squares_solution():
    members, inputs, grams = drawn()
    found = regmean(tensors(members, grams), scale=1.0)
    xs = inputs.double().numpy()
    answers = np.concatenate([x @ w.T for x, w in zip(xs, members.double().numpy(), strict=True)])
    expected, *_ = np.linalg.lstsq(np.concatenate(xs), answers, rcond=None)
    np.testing.assert_allclose(found.numpy(), expected.T, atol=1e-4)


def test_scale_shrinks_what_is_off_the_diagonal():
    members, _, grams = drawn()
    shrunk = [np.where(np.eye(4), g, 0.3 * g) for g in (gram.double().numpy() for gram in grams)]
    weighted = sum(w @ g for w, g in zip(members.double().numpy(), shrunk, strict=True))
    expected = weighted @ np.linalg.inv(sum(shrunk))
    np.testing.assert_allclose(regmean(tensors(members, grams), scale=0.3).numpy(), expected, atol=1e-4)


@pytest.mark.parametrize("scale", [0.0, 0.9, 1.0])
def test_equal_grams_give_the_mean_and_one_member_itself(scale):
    members, _, grams = drawn(tokens=3)  # fewer tokens than inputs: singular without the ridge
    equal = regmean(tensors(members, [grams[0], grams[0]]), scale=scale)
    torch.testing.assert_close(equal, members.double().mean(0), rtol=1e-6, atol=1e-6)
    alone = regmean(tensors(members[:1], grams[:1]), scale=scale)
    torch.testing.assert_close(alone, members[0].double(), rtol=1e-6, atol=1e-6)


def test_inputs_that_are_always_zero_are_no_fault():
    members, *_ = drawn()
    found = regmean(tensors(members, [torch.zeros(4, 4), torch.zeros(4, 4)]))
    torch.testing.assert_close(found, members.double().mean(0))


def test_inputs_that_are_always_equal_are_no_fault():
    """Their Gram matrix is singular to the bit."""
    members, *_ = drawn(width=2)
    found = regmean(tensors(members, [torch.ones(2, 2)] * 2), scale=1.0)
    torch.testing.assert_close(found, members.double().mean(0), rtol=1e-4, atol=1e-4)


def test_tensors_without_a_gram_get_the_mean():
    members, *_ = drawn()
    assert torch.equal(regmean(tensors(members, [None, None])), members.mean(0))


# --- Gram matrices --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=["tied", "untied"])
def models(request, tiny, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param)
    for seed, name in enumerate(("base", *CODES)):
        config = llama_config(ARCHITECTURE, VOCABULARY, 0, 0)
        config.tie_word_embeddings = request.param == "tied"
        with publish(folder / name) as draft:
            save_checkpoint(initialise(config, seed), draft.folder, tiny.folder / "tokenizer")
    return {name: folder / name for name in ("base", *CODES)}


@pytest.fixture(scope="module")
def shards(tiny):
    return {code: [tiny.shard(f"grams-{code}", 60, seed)] for seed, code in enumerate(CODES)}


@pytest.fixture(scope="module")
def grams(tiny, models, shards, tmp_path_factory):
    folder = tmp_path_factory.mktemp("grams")
    for code in CODES:
        collect_grams(models[code], shards[code], tiny.folder / "tokenizer", folder / code, tokens=100, length=LENGTH)
    return {code: folder / code for code in CODES}


def test_grams_are_of_the_inputs_that_the_layers_get(models, shards, grams):
    code = "isl"
    model = load_checkpoint(models[code])
    facts = read_manifest(grams[code]).facts
    assert facts["tokens"] == 7 * LENGTH, "whole sequences, at least as many tokens as asked for"
    table = pa.ipc.open_file(pa.memory_map(str(shards[code][0] / TOKENS))).read_all()
    text = torch.tensor(np.concatenate([chunk.to_numpy() for chunk in table["tokens"].chunks]).astype(np.int64))
    sequences = (len(text) - 1) // LENGTH
    starts = [i * sequences // 7 * LENGTH for i in range(7)]
    read = torch.stack([text[start : start + LENGTH] for start in starts])
    with torch.inference_mode():
        layer = model.model.layers[0]
        states = model.model.embed_tokens(read)
        attended = layer.input_layernorm(states)
        output = model(read, output_hidden_states=True)
        x = attended.reshape(-1, attended.shape[-1]).double()
    expected = (x.T @ x / len(x)).float()
    for name in ("q_proj", "k_proj", "v_proj"):
        found = read_gram(grams[code], f"model.layers.0.self_attn.{name}.weight")
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
    last = output.hidden_states[-1].reshape(-1, attended.shape[-1]).double()  # after the final norm
    head = read_gram(grams[code], "lm_head.weight")
    if model.config.tie_word_embeddings:
        assert head is None, "the embedding is no linear layer"
    else:
        torch.testing.assert_close(head, (last.T @ last / len(last)).float(), rtol=1e-4, atol=1e-5)


def test_each_distinct_input_has_one_matrix_and_other_tensors_none(models, grams):
    stored = load_file(grams["swe"] / GRAMS)
    layers = {name.split(".", 3)[3] for name in stored if name.startswith("model.layers.")}
    assert layers == {"self_attn.q_proj", "self_attn.o_proj", "mlp.gate_proj", "mlp.down_proj"}
    weights = load_file(models["swe"] / "model.safetensors")
    for name, tensor in weights.items():
        gram = read_gram(grams["swe"], name)
        if name.endswith("_proj.weight"):
            assert gram.shape == (tensor.shape[1],) * 2
        elif name != "lm_head.weight":
            assert gram is None, name


def test_a_token_that_the_model_lacks_is_one_error(models):
    model = load_checkpoint(models["base"])
    with pytest.raises(GrowmergeError, match=f"has token {VOCABULARY}, but the model has {VOCABULARY} tokens"):
        gram_matrices(model, [torch.tensor([1, VOCABULARY])])


def test_the_text_is_cut_to_what_the_model_can_read(tiny, models, shards, tmp_path):
    most = ARCHITECTURE.max_position_embeddings
    collect_grams(models["isl"], shards["isl"], tiny.folder / "tokenizer", tmp_path / "g", tokens=90, length=most + 9)
    assert read_manifest(tmp_path / "g").facts["tokens"] == 2 * most


def test_the_model_and_the_tokenizer_are_among_the_inputs(tiny, models, shards, grams):
    expected = {models["swe"], *shards["swe"], tiny.folder / "tokenizer"}
    assert set(read_manifest(grams["swe"]).inputs) == set(map(str, expected))


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("damaged", r"model/model\.safetensors: its bytes differ"),
        ("infinite", r"model: the inputs of model\.layers\.0\..* are not finite; train or import it again"),
    ],
)
def test_a_model_that_is_damaged_or_not_finite_has_no_matrices(tiny, models, shards, tmp_path, fault, message):
    model = load_checkpoint(models["base"])
    with torch.no_grad():
        model.model.layers[0].input_layernorm.weight[3] = torch.inf
    with publish(tmp_path / "model") as draft:
        save_checkpoint(model, draft.folder, tiny.folder / "tokenizer")
    if fault == "damaged":
        path = tmp_path / "model/model.safetensors"
        data = bytearray(path.read_bytes())
        data[-1] ^= 1
        path.write_bytes(data)
    with pytest.raises(GrowmergeError, match=message):
        collect_grams(
            tmp_path / "model", shards["isl"], tiny.folder / "tokenizer", tmp_path / "g", tokens=20, length=LENGTH
        )
    assert not (tmp_path / "g").exists()


def test_the_merge_answers_its_members_inputs_better_than_the_mean(models, grams, tmp_path):
    members = {code: models[code] for code in CODES}
    exact = Method(name="exact", method="regmean", parameters={"scale": 1.0})
    mean = Method(name="linear", parameters={"weight": 1.0})
    recipes = {
        tmp_path / m.name: Recipe(members, models["base"], m, "float32", 42, statistics={"grams": grams})
        for m in (exact, mean)
    }
    merge_models(recipes)
    found, plain = (load_file(folder / "model.safetensors") for folder in recipes)
    of = {code: load_file(models[code] / "model.safetensors") for code in CODES}

    def error(merged, name):
        """Sum over members of the mean squared difference of answers: tr(D G D^T)."""
        total = 0.0
        for code in CODES:
            difference = (merged[name] - of[code][name]).double()
            total += float(torch.trace(difference @ read_gram(grams[code], name).double() @ difference.T))
        return total

    for name in plain:
        if read_gram(grams["swe"], name) is None:
            torch.testing.assert_close(found[name], plain[name])
        else:
            assert error(found, name) < error(plain, name), name


# --- rules ----------------------------------------------------------------------------------------------------------

MINIATURE = merge_mappings(read_yaml(ROOT / "config/config.yaml"), read_yaml(ROOT / "config/miniature.yaml"))
METHODS = [{"name": "linear", "parameters": {"weight": 1.0}}, {"name": "regmean"}]


def study(methods):
    merging = {"methods": methods, "healing": None, "rounds": None}
    return validate(MINIATURE | {"merging": MINIATURE["merging"] | merging})


def test_rules_know_the_models_and_the_text_of_the_matrices():
    chosen = study(METHODS)
    found = Layout(chosen, Grid(chosen))
    linear, by_grams = chosen.merging.methods
    assert found.merge_statistics("1x", "isl+swe", [linear]) == []
    assert found.merge_statistics("1x", "isl+swe@200", [linear, by_grams]) == [
        f"results/miniature/statistics/grams/1x/{code}@200" for code in ("isl", "swe")
    ]
    assert found.statistics_shards("swe@200") == found.shards("swe")


def test_a_scale_above_one_is_an_error():
    methods = [METHODS[0], METHODS[1] | {"parameters": {"scale": 1.5}}]
    with pytest.raises(GrowmergeError, match=r"merging.methods.1.parameters.scale = 1.5: must be from 0 to 1"):
        study(methods)
