"""Measures of similarity against their definitions, and hidden states of a real (tiny) model."""

import numpy as np
import pytest
import torch
from scipy.stats import ortho_group

from growmerge.comparing.comparison import frame
from growmerge.comparing.similarity import centred_gram, cka_matrix, cosines, distances, stable_rank
from growmerge.comparing.states import VARIANTS, compare_states, pooled_states
from growmerge.data.tokenizer import load_tokenizer
from growmerge.errors import GrowmergeError
from growmerge.models.checkpoints import load_checkpoint

RNG = np.random.default_rng(5)
X = RNG.standard_normal((40, 12)) @ RNG.standard_normal((12, 12)) + 3.0
Y = X[:, :7] @ RNG.standard_normal((7, 9)) + RNG.standard_normal((40, 9))

# --- CKA ------------------------------------------------------------------------------------------------------------


def linear_cka(x, y):
    """That of two representations of the same n inputs, [n, features of each]."""
    return float(cka_matrix([centred_gram(x), centred_gram(y)])[0, 1])


def hsic(k, m):
    """The estimator of Gretton et al. (2005), as it is written."""
    n = len(k)
    h = np.eye(n) - np.ones((n, n)) / n
    return np.trace(k @ h @ m @ h) / (n - 1) ** 2


def test_cka_is_normalised_hsic_of_linear_kernels() -> None:
    k, m = X @ X.T, Y @ Y.T
    assert linear_cka(X, Y) == pytest.approx(hsic(k, m) / np.sqrt(hsic(k, k) * hsic(m, m)), rel=1e-12)


def test_cka_is_what_the_feature_covariances_give() -> None:
    x, y = X - X.mean(axis=0), Y - Y.mean(axis=0)
    expected = np.linalg.norm(y.T @ x) ** 2 / (np.linalg.norm(x.T @ x) * np.linalg.norm(y.T @ y))
    assert linear_cka(X, Y) == pytest.approx(expected, rel=1e-12)


def test_cka_of_a_representation_with_itself_is_one() -> None:
    assert linear_cka(X, X) == pytest.approx(1.0, abs=1e-12)


def test_cka_ignores_rotation_scale_and_shift_but_no_other_linear_map() -> None:
    rotation = ortho_group.rvs(12, random_state=1)
    assert linear_cka(X, -0.01 * X @ rotation + 5.0) == pytest.approx(1.0, abs=1e-12)
    assert linear_cka(X @ rotation, 7 * Y) == pytest.approx(linear_cka(X, Y), rel=1e-10)
    assert linear_cka(X, X * np.geomspace(1, 100, 12)) < 0.9


def test_standardised_cka_ignores_the_scale_of_every_feature_and_constant_ones() -> None:
    scaled = np.hstack([X * np.geomspace(1e-3, 1e3, 12), np.full((40, 1), 1e4)])
    one, other = centred_gram(X, standardise=True), centred_gram(scaled, standardise=True)
    assert cka_matrix([one, other])[0, 1] == pytest.approx(1.0, abs=1e-9)


def test_cka_of_unrelated_representations_is_low_and_of_constant_ones_not_defined() -> None:
    n = 2000
    assert linear_cka(RNG.standard_normal((n, 5)), RNG.standard_normal((n, 5))) < 0.01
    assert np.isnan(linear_cka(np.ones((8, 3)), X[:8]))


def test_cka_of_many_models_is_that_of_each_pair() -> None:
    z = RNG.standard_normal((40, 3))
    together = cka_matrix([centred_gram(states) for states in (X, Y, z)])
    assert together == pytest.approx(together.T)
    assert together[0, 2] == pytest.approx(linear_cka(X, z))
    assert together[1, 2] == pytest.approx(linear_cka(Y, z))


# --- weights --------------------------------------------------------------------------------------------------------


def test_cosines_and_distances_follow_from_inner_products() -> None:
    vectors = np.array([[3.0, 4.0], [-8.0, 6.0], [0.0, 0.0]])
    products = vectors @ vectors.T
    assert cosines(products)[0, 1] == pytest.approx(0.0)
    assert np.isnan(cosines(products)[2]).all()
    assert distances(products)[0, 1] == pytest.approx(np.hypot(11, 2))
    assert distances(products)[1, 2] == pytest.approx(10.0)


@pytest.mark.parametrize("shape", [(30, 8), (8, 30), (1, 5), (70_000, 64), (200, 500)])
def test_stable_rank_is_that_of_the_singular_values(shape) -> None:
    matrix = torch.from_numpy(np.random.default_rng(0).standard_normal(shape)).float() + 0.1
    singular = torch.linalg.svdvals(matrix.double())
    expected = float((singular**2).sum() / singular[0] ** 2)
    assert stable_rank(matrix) == pytest.approx(expected, rel=1e-9)


def test_stable_rank_reaches_from_one_to_the_rank() -> None:
    column, row = torch.arange(1.0, 7)[:, None], torch.arange(1.0, 5)[None]
    assert stable_rank(column @ row) == pytest.approx(1.0)
    assert stable_rank(3 * torch.eye(6)) == pytest.approx(6.0)
    assert np.isnan(stable_rank(torch.zeros(4, 3)))
    assert np.isnan(stable_rank(torch.zeros(200, 300)))
    assert stable_rank(3 * torch.eye(150)) == pytest.approx(150.0)


# --- hidden states --------------------------------------------------------------------------------------------------

SENTENCES = ["the cat sees the sun", "a dog runs", "the house is warm and a cat is warm", "sun", "bók öl سلام the"]


@pytest.fixture(scope="module")
def folder(tiny):
    return tiny.checkpoint("pooled", 3)


def test_pooled_states_are_means_over_the_tokens_of_each_text_alone(folder) -> None:
    model = load_checkpoint(folder)
    tokenizer, begin, _ = load_tokenizer(folder)
    texts = [[begin, *tokenizer.encode(sentence).ids] for sentence in SENTENCES]
    pooled = pooled_states(model, texts)
    assert pooled.shape == (2, 2, len(texts), 32)
    for index, text in enumerate(texts):
        with torch.inference_mode():
            states = model(torch.tensor([text]), output_hidden_states=True).hidden_states
        for layer in (0, 1):
            after = states[layer + 1][0]
            assert pooled[0, layer, index] == pytest.approx(after.mean(0).numpy(), abs=1e-5)
            assert pooled[1, layer, index] == pytest.approx(after[1:].mean(0).numpy(), abs=1e-5)


def test_texts_beyond_the_positions_are_cut(folder) -> None:
    model = load_checkpoint(folder)
    long = list(np.random.default_rng(0).integers(1, 300, size=90))
    pooled = pooled_states(model, [long, long[:64], [1, 2, 3]])
    assert pooled[:, :, 0] == pytest.approx(pooled[:, :, 1], abs=1e-6)


def test_models_are_compared_layer_by_layer_and_leave_nothing_behind(tiny, folder, tmp_path) -> None:
    other = tiny.checkpoint("pooled-other", 4)
    table = frame(compare_states({"isl": folder, "swe": folder, "fas": other}, SENTENCES, tmp_path / "work"))
    assert not list((tmp_path / "work").iterdir())
    assert set(table["measure"]) == set(VARIANTS)
    assert len(table) == 3 * 3 * 3  # pairs, measures, layers and their mean
    for _, rows in table.groupby("measure"):
        assert rows.loc[rows["second"] == "swe", "value"].to_numpy() == pytest.approx(1.0)
        others = rows[(rows["first"] == "isl") & (rows["second"] == "fas")]
        assert 0 < others["value"].max() < 0.999
        layers = others["layer"].notna()
        assert others.loc[~layers, "value"].item() == pytest.approx(others.loc[layers, "value"].mean())


def test_cka_of_models_is_that_of_their_pooled_states(tiny, folder, tmp_path) -> None:
    other = tiny.checkpoint("pooled-other", 4)
    table = frame(compare_states({"isl": folder, "fas": other}, SENTENCES, tmp_path))
    tokenizer, begin, _ = load_tokenizer(folder)
    texts = [[begin, *tokenizer.encode(sentence).ids] for sentence in SENTENCES]
    one, two = (pooled_states(load_checkpoint(x), texts) for x in (folder, other))
    found = table[(table["measure"] == "cka_without_first") & (table["layer"] == 1)]["value"].item()
    assert found == pytest.approx(linear_cka(one[1, 1], two[1, 1]))


def test_too_few_sentences_are_refused(folder, tmp_path) -> None:
    with pytest.raises(GrowmergeError, match="2 English sentences are too few"):
        compare_states({"isl": folder, "swe": folder}, SENTENCES[:2], tmp_path)
