"""Language vectors of real (tiny) checkpoints, against sums over whole models."""

from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import ARCHITECTURE, VOCABULARY

from growmerge.comparing.comparison import frame
from growmerge.comparing.places import TENSOR_KINDS, Place, place_of
from growmerge.comparing.vectors import compare_weights
from growmerge.comparing.weights import BLOCK, Checkpoints
from growmerge.config.models import Architecture
from growmerge.errors import GrowmergeError
from growmerge.models.checkpoints import load_checkpoint, save_checkpoint
from growmerge.models.initialise import initialise, llama_config
from growmerge.models.stored import HEAD


def save(folder: Path, seed: int = 0, architecture: Architecture = ARCHITECTURE, vocabulary: int = VOCABULARY) -> Path:
    save_checkpoint(initialise(llama_config(architecture, vocabulary, 0, 0), seed), folder, None)
    return folder


def moved(base: Path, other: Path, step: float, folder: Path) -> Path:
    """The model that stands `step` times as far from `base` as `other`, on the same line."""
    one, two = load_checkpoint(base), load_checkpoint(other).state_dict()
    with torch.no_grad():
        for name, weight in one.named_parameters():
            weight += step * (two[name] - weight)
    save_checkpoint(one, folder, None)
    return folder


@pytest.fixture(scope="module")
def models(tmp_path_factory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("vectors")
    return {name: save(folder / name, seed) for seed, name in enumerate(("base", "swe", "isl", "fas"))}


@pytest.fixture(scope="module")
def table(models) -> pd.DataFrame:
    return frame(compare_weights({code: models[code] for code in ("swe", "isl", "fas")}, models["base"]))


def value(table: pd.DataFrame, measure: str, first: str, second: str = "", layer: int | None = None, kind: str = "all"):
    rows = table[(table["measure"] == measure) & (table["first"] == first) & (table["second"] == second)]
    at = rows["layer"].isna() if layer is None else (rows["layer"] == layer).fillna(False)
    return rows[at & (rows["kind"] == kind)]["value"].item()


def flat(folder: Path, wanted=lambda name: True) -> np.ndarray:
    """The weights of a model in one vector."""
    state = dict(load_checkpoint(folder).named_parameters())  # a tied head once
    return np.concatenate([state[name].detach().double().numpy().ravel() for name in sorted(state) if wanted(name)])


PLACES = {
    (None, "all"): lambda name: True,
    (1, "all"): lambda name: ".layers.1." in name,
    (None, "gate"): lambda name: "gate_proj" in name,
    (0, "o"): lambda name: ".layers.0." in name and "o_proj" in name,
    (None, "norm"): lambda name: "norm" in name,
    (None, "embedding"): lambda name: "embed" in name,
}


@pytest.mark.parametrize("place", PLACES)
def test_measures_are_those_of_the_whole_vectors(table, models, place) -> None:
    at = dict(zip(("layer", "kind"), place, strict=True))
    weights = {name: flat(folder, PLACES[place]) for name, folder in models.items()}
    vectors = {name: weights[name] - weights["base"] for name in ("swe", "isl", "fas")}
    for name, vector in vectors.items():
        norm = np.linalg.norm(vector)
        assert value(table, "norm", name, **at) == pytest.approx(norm)
        assert value(table, "relative_norm", name, **at) == pytest.approx(
            norm / np.linalg.norm(weights["base"]), nan_ok=True
        )
    for first, second in combinations(vectors, 2):
        v, w = vectors[first], vectors[second]
        both = (v != 0) & (w != 0)
        expected = {
            "cosine": _cosine(v, w),
            "sign_conflicts": np.mean((v * w < 0)[both]) if both.any() else np.nan,
            "weighted_sign_conflicts": np.abs((v * w)[v * w < 0]).sum() / np.abs(v * w).sum() if both.any() else np.nan,
            "weight_cosine": _cosine(weights[first], weights[second]),
            "l2_difference": np.linalg.norm(weights[first] - weights[second]),
        }
        for measure, wanted in expected.items():
            assert value(table, measure, first, second, **at) == pytest.approx(wanted, rel=1e-9, nan_ok=True), measure


def _cosine(v: np.ndarray, w: np.ndarray) -> float:
    scale = np.linalg.norm(v) * np.linalg.norm(w)
    return v @ w / scale if scale else np.nan


def test_means_over_tensors_and_matrices_are_means(table, models) -> None:
    states = {name: load_checkpoint(folder).state_dict() for name, folder in models.items()}
    names = [name for name in states["base"] if ".layers.1." in name]
    differences = [torch.linalg.norm(states["swe"][n].double() - states["fas"][n].double()) for n in names]
    assert value(table, "mean_l2_difference", "swe", "fas", layer=1) == pytest.approx(np.mean(differences))

    def rank(matrix: torch.Tensor) -> float:
        singular = torch.linalg.svdvals(matrix.double())
        return float((singular**2).sum() / singular[0] ** 2)

    matrices = [name for name in names if states["swe"][name].ndim == 2]
    ranks = {code: np.array([rank(states[code][name]) for name in matrices]) for code in ("swe", "fas")}
    assert len(matrices) == 7
    assert value(table, "stable_rank", "swe", layer=1) == pytest.approx(ranks["swe"].mean())
    expected = np.abs(ranks["swe"] - ranks["fas"]).mean()
    assert value(table, "stable_rank_difference", "swe", "fas", layer=1) == pytest.approx(expected, rel=1e-6)


def test_vectors_on_one_line_agree_or_conflict_throughout(models, tmp_path) -> None:
    twice = moved(models["base"], models["swe"], 2.0, tmp_path / "twice")
    against = moved(models["base"], models["swe"], -1.0, tmp_path / "against")
    table = frame(compare_weights({"swe": models["swe"], "two": twice, "neg": against}, models["base"]))
    assert value(table, "cosine", "swe", "two", layer=0, kind="q") == pytest.approx(1.0)
    assert value(table, "sign_conflicts", "swe", "two") == 0.0
    assert value(table, "norm", "two") == pytest.approx(2 * value(table, "norm", "swe"), rel=1e-5)
    assert value(table, "cosine", "swe", "neg") == pytest.approx(-1.0)
    assert value(table, "sign_conflicts", "two", "neg") == pytest.approx(1.0)
    assert value(table, "weighted_sign_conflicts", "two", "neg") == pytest.approx(1.0)


def test_independent_vectors_are_orthogonal_and_conflict_in_half_of_their_signs(models, tmp_path) -> None:
    # Two initialisations, seen from the origin: independent, and wide enough for the law of large numbers.
    zero = load_checkpoint(models["base"])
    with torch.no_grad():
        for weight in zero.parameters():
            weight.zero_()
    save_checkpoint(zero, tmp_path / "zero", None)
    table = frame(compare_weights({code: models[code] for code in ("swe", "isl")}, tmp_path / "zero"))
    assert abs(value(table, "cosine", "swe", "isl", kind="embedding")) < 0.03
    assert value(table, "sign_conflicts", "swe", "isl", kind="embedding") == pytest.approx(0.5, abs=0.02)
    assert np.isnan(value(table, "relative_norm", "swe"))


def test_a_model_that_did_not_move_has_no_direction(models) -> None:
    table = frame(compare_weights({"swe": models["swe"], "same": models["base"]}, models["base"]))
    assert value(table, "norm", "same") == 0.0
    assert np.isnan(value(table, "cosine", "swe", "same"))
    assert np.isnan(value(table, "sign_conflicts", "swe", "same"))
    assert value(table, "weight_cosine", "swe", "same") == pytest.approx(
        _cosine(flat(models["swe"]), flat(models["base"]))
    )


def test_the_table_names_every_layer_and_kind_once(table) -> None:
    assert not table.duplicated(["first", "second", "measure", "layer", "kind"]).any()
    assert set(table["kind"]) == {"all", *TENSOR_KINDS} - {"head"}
    assert set(table["layer"].dropna()) == {0, 1}
    pairs = table.loc[table["second"] != "", ["first", "second"]].drop_duplicates()
    assert sorted(map(tuple, pairs.to_numpy())) == [("isl", "fas"), ("swe", "fas"), ("swe", "isl")]


def test_a_head_of_its_own_is_a_kind(tmp_path) -> None:
    untied = ARCHITECTURE.model_copy(update={"tie_word_embeddings": False})
    one, two = (save(tmp_path / str(seed), seed, untied) for seed in (0, 1))
    table = frame(compare_weights({"swe": one}, two))
    assert "head" in set(table["kind"])
    assert value(table, "norm", "swe", kind="head") > 0


def test_large_tensors_are_read_in_blocks_that_make_them_up(tmp_path) -> None:
    folders = [save(tmp_path / str(seed), seed, vocabulary=40_000) for seed in (0, 1)]
    checkpoints = Checkpoints(folders)
    name = "model.embed_tokens.weight"
    blocks = list(checkpoints.blocks(name))
    assert len(blocks) == 2
    assert all(block.shape[1] <= BLOCK for block in blocks)
    whole = torch.stack([checkpoints.tensor(name, index).flatten() for index in (0, 1)])
    assert torch.equal(torch.cat(blocks, dim=1).float(), whole)


def test_shards_and_half_precision_are_read_alike(models, tmp_path) -> None:
    model = load_checkpoint(models["swe"]).to(torch.bfloat16)
    model.save_pretrained(tmp_path / "whole")
    model.save_pretrained(tmp_path / "shards", max_shard_size="20KB")
    assert len(list((tmp_path / "shards").glob("*.safetensors"))) > 1
    tables = [frame(compare_weights({"swe": tmp_path / form}, models["base"])) for form in ("whole", "shards")]
    pd.testing.assert_frame_equal(*tables)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"intermediate_size": 56}, r"other: tensor model\.layers\.0\.mlp\.down_proj\.weight has shape \[32, 56\]"),
        ({"num_hidden_layers": 3}, r"base: lacks tensor model\.layers\.2\."),
        ({"tie_word_embeddings": False}, rf"base: lacks tensor {HEAD}"),
    ],
)
def test_models_of_another_shape_are_refused(models, tmp_path, change, message) -> None:
    other = save(tmp_path / "other", architecture=ARCHITECTURE.model_copy(update=change))
    with pytest.raises(GrowmergeError, match=message):
        compare_weights({"swe": models["base"], "isl": other}, models["base"])


def test_weights_that_are_not_finite_are_named(models, tmp_path) -> None:
    broken = load_checkpoint(models["swe"])
    with torch.no_grad():
        broken.model.layers[1].mlp.up_proj.weight[3, 4] = torch.inf
    save_checkpoint(broken, tmp_path / "broken", None)
    with pytest.raises(
        GrowmergeError, match=r"broken: tensor model\.layers\.1\.mlp\.up_proj\.weight has values that are"
    ):
        compare_weights({"swe": models["swe"], "isl": tmp_path / "broken"}, models["base"])


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("model.embed_tokens.weight", Place(None, "embedding")),
        ("model.layers.11.self_attn.k_proj.bias", Place(11, "k")),
        ("model.layers.2.post_attention_layernorm.weight", Place(2, "norm")),
        ("model.norm.weight", Place(None, "norm")),
        (HEAD, Place(None, "head")),
    ],
)
def test_names_say_layer_and_kind(name, place) -> None:
    assert place_of(name) == place
