"""Another method for the embedding, and rows that are weighted by the use of their tokens."""

import re
from dataclasses import replace

import numpy as np
import pytest
import torch
from conftest import ROOT, VOCABULARY
from safetensors.torch import load_file

from growmerge.artifacts import publish, read_manifest
from growmerge.config.load import merge_mappings, read_yaml, validate
from growmerge.config.merging import Method
from growmerge.data.token_counts import count_tokens, read_token_counts
from growmerge.errors import GrowmergeError
from growmerge.merging.card import card
from growmerge.merging.merge import merge_models
from growmerge.merging.methods import Tensors
from growmerge.merging.methods.rows import rows
from growmerge.merging.recipe import Recipe
from growmerge.models.checkpoints import save_checkpoint
from growmerge.models.initialise import initialise, llama_config
from growmerge.study.grid import Grid
from growmerge.study.layout import Layout
from growmerge.study.merge_params import method_of

EMBEDDING, HEAD = "model.embed_tokens.weight", "lm_head.weight"
ROWS = {"method": "rows"}
CODES = ("ekk", "isl", "swe")


def tensors(counts, seed=0, width=6, name=EMBEDDING):
    """Tensors of a vocabulary of as many tokens as there are counts of each member."""
    generator = torch.Generator().manual_seed(seed)
    members = torch.randn(len(counts), len(counts[0]), width, generator=generator)
    base = torch.randn(members.shape[1:], generator=generator)
    statistics = {"token_counts": [torch.tensor(count) for count in counts]}
    return Tensors(name, tuple(base.shape), CODES[: len(counts)], members, base, statistics, lambda language: 0)


def test_the_weights_are_those_of_the_formula():
    counts = [[90, 0, 5, 0], [30, 20, 0, 0], [1, 2, 0, 0]]
    given = tensors(counts)
    frequencies = np.array(counts) / np.array([95, 50, 3])[:, None] * 100_000
    differences = (given.members - given.base).numpy()
    for prior, exponent, rest in ((1.0, 1.0, 1.0), (500.0, 2.0, 0.0), (0.0, 0.5, 0.25), (0.0, 0.0, 1.0)):
        found = rows(given, prior=prior, exponent=exponent, rest=rest).numpy()
        for token in range(4):
            powers = [f**exponent if f else 0.0 for f in frequencies[:, token]]
            total = sum(powers) + prior
            weights = [power / total if total else 0.0 for power in powers]
            expected = given.base[token].numpy() + sum(
                w * d for w, d in zip(weights, differences[:, token], strict=True)
            )
            expected = expected + rest * (1 - sum(weights)) * differences[:, token].mean(0)
            np.testing.assert_allclose(found[token], expected, rtol=1e-5, atol=1e-5)


def test_some_rows_at_a_time_are_those_of_the_whole():
    given = tensors([[90, 0, 5, 0, 8], [30, 20, 0, 0, 2]])
    whole = rows(given, prior=3.0)
    for part in (slice(0, 2), slice(2, 3), slice(3, 5)):
        some = replace(given, members=given.members[:, part], base=given.base[part], rows=part)
        torch.testing.assert_close(rows(some, prior=3.0), whole[part])


def test_equal_frequencies_give_the_mean():
    given = tensors([[3, 1, 0, 7], [6, 2, 0, 14]])  # twice the text, the same frequencies
    torch.testing.assert_close(rows(given), given.members.mean(0))


def test_one_language_gives_itself():
    given = tensors([[3, 1, 0, 7]])
    torch.testing.assert_close(rows(given, prior=10.0), given.members[0])


def test_a_token_of_one_language_gets_its_row_and_one_of_none_the_base():
    given = tensors([[5, 0, 0, 5], [0, 5, 0, 5]])
    found = rows(given, prior=0.0, rest=0.0)
    torch.testing.assert_close(found[0], given.members[0, 0])
    torch.testing.assert_close(found[1], given.members[1, 1])
    assert torch.equal(found[2], given.base[2])


def test_a_tensor_without_a_row_for_each_token_is_refused():
    with pytest.raises(
        GrowmergeError, match=r"rows: tensor x of shape \[4, 6\] does not have one row for each of the 5 tokens"
    ):
        rows(
            Tensors("x", (4, 6), CODES[:1], torch.ones(1, 4, 6), torch.ones(4, 6),
                    {"token_counts": [torch.ones(5)]}, lambda language: 0)
        )  # fmt: skip


# --- merges ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def counts(tiny):
    folders = {}
    for seed, code in enumerate(CODES):
        folders[code] = tiny.folder / "counts_of_rows" / code
        count_tokens([tiny.shard(f"rows-{code}", 40, seed)], tiny.folder / "tokenizer", VOCABULARY, folders[code])
    return {"token_counts": folders}


@pytest.fixture(scope="module", params=["tied", "untied"])
def models(request, tiny, tmp_path_factory):
    if request.param == "tied":
        return {name: tiny.checkpoint(f"rows-{name}", seed) for seed, name in enumerate(("base", *CODES))}
    from conftest import ARCHITECTURE

    folder = tmp_path_factory.mktemp("untied")
    for seed, name in enumerate(("base", *CODES)):
        config = llama_config(ARCHITECTURE, VOCABULARY, 0, 0)
        config.tie_word_embeddings = False
        with publish(folder / name) as draft:
            save_checkpoint(initialise(config, seed), draft.folder, tiny.folder / "tokenizer")
    return {name: folder / name for name in ("base", *CODES)}


def recipe(models, method, counts=None, **more):
    members = {code: models[code] for code in CODES}
    return Recipe(members, models["base"], Method(**method), "float32", 42, statistics=counts or {}, **more)


TIES = {"uses_base": True, "parameters": {"weight": 1.0, "density": 0.5}}
METHODS = {
    "linear": {"name": "linear", "parameters": {"weight": 1.0}},
    "ties": {"name": "ties", **TIES},
    "dare_ties": {"name": "dare_ties", **TIES},
    "breadcrumbs": {"name": "breadcrumbs", **TIES},  # as whole tensors
}


@pytest.mark.parametrize("name", METHODS)
def test_only_the_embedding_and_an_untied_head_differ(name, models, counts, tmp_path):
    plain = recipe(models, METHODS[name])
    other = recipe(models, METHODS[name] | {"embedding": ROWS}, counts)
    merge_models({tmp_path / "plain": plain, tmp_path / "rows": other})
    merge_models({tmp_path / "alone": other})
    found, beside, alone = (load_file(tmp_path / x / "model.safetensors") for x in ("plain", "rows", "alone"))
    different = [tensor for tensor in found if not torch.equal(found[tensor], beside[tensor])]
    assert sorted(different) == sorted({EMBEDDING, HEAD} & found.keys())
    assert all(torch.equal(beside[tensor], alone[tensor]) for tensor in found)

    read = {code: read_token_counts(folder) for code, folder in counts["token_counts"].items()}
    base, *members = (load_file(models[x] / "model.safetensors") for x in ("base", *CODES))
    for tensor in different:
        given = Tensors(
            tensor,
            tuple(base[tensor].shape),
            CODES,
            torch.stack([member[tensor] for member in members]),
            base[tensor],
            {"token_counts": [torch.from_numpy(read[code]) for code in CODES]},
            lambda language: 0,
        )
        torch.testing.assert_close(beside[tensor], rows(given))


def test_another_embedding_is_another_merge_with_more_inputs(models, counts):
    plain, other = recipe(models, METHODS["linear"]), recipe(models, METHODS["linear"] | {"embedding": ROWS}, counts)
    third = recipe(models, METHODS["linear"] | {"embedding": ROWS | {"parameters": {"prior": 2.0}}}, counts)
    assert len({plain.digest, other.digest, third.digest}) == 3
    assert plain.inputs == [models[code] for code in CODES]
    assert other.inputs == [*plain.inputs, models["base"], *counts["token_counts"].values()]


def test_the_card_says_how_each_part_is_made(models, counts, tmp_path):
    chosen = recipe(models, METHODS["linear"] | {"embedding": ROWS}, counts)
    text = card(chosen)
    assert "All tensors but the embedding (and the head) are made by `linear` of mergekit" in text
    assert "The embedding (and the head) is made by the function `rows` of `growmerge/merging/methods/rows.py`" in text
    assert "which also reads token_counts of the members" in text
    assert "mergekit-yaml" not in text, "mergekit cannot make it"
    merge_models({tmp_path / "merge": chosen})
    assert not (tmp_path / "merge/mergekit_config.yml").exists()
    assert read_manifest(tmp_path / "merge").config["method"]["embedding"]["method"] == "rows"


# --- the configuration ----------------------------------------------------------------------------------------------

MINIATURE = merge_mappings(read_yaml(ROOT / "config/config.yaml"), read_yaml(ROOT / "config/miniature.yaml"))


def layout(embedding):
    methods = [METHODS["linear"], METHODS["linear"] | {"name": "by_rows", "method": "linear", "embedding": embedding}]
    merging = {"methods": methods, "healing": None, "rounds": None}
    study = validate(MINIATURE | {"merging": MINIATURE["merging"] | merging})
    return Layout(study, Grid(study))


def test_rules_know_what_the_embedding_asks_for():
    found = layout(ROWS)
    linear, by_rows = found.study.merging.methods
    assert found.merge_statistics("1x", "isl+swe", [linear]) == []
    assert found.merge_statistics("1x", "isl+swe", [by_rows]) == [
        f"results/miniature/statistics/token_counts/{code}" for code in ("isl", "swe")
    ]
    params = found.method_params(by_rows)
    assert "source" not in params, "mergekit's linear is known by its version"
    assert len(params["embedding_source"]) == 64
    assert method_of(params) == by_rows
    assert found.method_params(linear) == linear.model_dump()
    assert "embedding" not in linear.model_dump(), "merges without one keep their params"


@pytest.mark.parametrize(
    ("embedding", "message"),
    [
        ({"method": "row"}, "merging.methods.1.embedding.method = 'row': no such merge method"),
        (ROWS | {"parameters": {"priors": 1}}, "merging.methods.1.embedding.parameters.priors = 'priors': no such"),
        (ROWS | {"parameters": {"prior": -1}}, "merging.methods.1.embedding.parameters.prior = -1: must be at least 0"),
        ({"method": "ties"}, "merging.methods.1.embedding.uses_base = False: mergekit's ties needs a base model"),
        ({"method": "linear"}, "merging.methods.1.embedding.parameters.weight: is missing"),
        (ROWS | {"parameters": {"prior": [1, 2]}}, "merging.methods.1.embedding.parameters.prior"),
        ({"method": "nuslerp", "parameters": {"weight": 1.0}}, "methods.1.embedding = 'by_rows': merges exactly"),
    ],
)  # fmt: skip
def test_a_wrong_embedding_is_one_line_with_its_key(embedding, message):
    with pytest.raises(GrowmergeError, match=re.escape(message)) as error:
        layout(embedding)
    assert len(str(error.value).splitlines()) == 1


def test_a_method_of_the_embedding_alone_cannot_merge_all_tensors():
    methods = [METHODS["linear"], {"name": "rows"}]
    merging = {"methods": methods, "healing": None, "rounds": None}
    message = "merging.methods.1.name = 'rows': merges the embedding alone; choose a method for all other tensors"
    with pytest.raises(GrowmergeError, match=re.escape(message)):
        validate(MINIATURE | {"merging": MINIATURE["merging"] | merging})
