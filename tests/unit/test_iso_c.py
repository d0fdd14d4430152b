"""Isotropic merging: the directions of the summed task vectors, all of the same strength."""

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from growmerge.config.merging import Method
from growmerge.merging.merge import merge_models
from growmerge.merging.methods import Tensors
from growmerge.merging.methods.iso_c import iso_c
from growmerge.merging.recipe import Recipe

CODES = ("ekk", "isl", "swe")


def tensors(members, base):
    codes = CODES[: len(members)]
    return Tensors("x", tuple(base.shape), codes, members, base, {}, lambda language: 0)


def drawn(*shape, n=3, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(n, *shape, generator=generator), torch.randn(*shape, generator=generator)


@pytest.mark.parametrize("shape", [(6, 4), (4, 6)])
def test_all_singular_values_of_the_sum_are_their_mean(shape):
    members, base = drawn(*shape)
    summed = (members - base).sum(0).double().numpy()
    for scale in (1.0, 0.4):
        moved = (iso_c(tensors(members, base), scale=scale) - base).double().numpy()
        values = np.linalg.svd(summed, compute_uv=False)
        np.testing.assert_allclose(np.linalg.svd(moved, compute_uv=False), scale * values.mean(), rtol=1e-4)
        # The nearest matrix with equal singular values: the polar factor, from (A A^T)^(-1/2) A.
        size, directions = np.linalg.eigh(summed @ summed.T if shape[0] < shape[1] else summed.T @ summed)
        root = directions @ np.diag(size**-0.5) @ directions.T
        polar = root @ summed if shape[0] < shape[1] else summed @ root
        np.testing.assert_allclose(moved, scale * values.mean() * polar, rtol=1e-3, atol=1e-4)


def test_a_task_vector_that_is_isotropic_already_is_kept():
    _, base = drawn(5, 5)
    rotation = torch.linalg.qr(torch.randn(5, 5, generator=torch.Generator().manual_seed(1))).Q
    member = base + 0.3 * rotation
    torch.testing.assert_close(iso_c(tensors(member[None], base)), member)


def test_models_that_did_not_move_give_the_base():
    _, base = drawn(5, 3)
    torch.testing.assert_close(iso_c(tensors(torch.stack([base, base]), base)), base)


def test_tensors_that_are_no_matrices_get_the_mean():
    members, base = drawn(7)
    torch.testing.assert_close(iso_c(tensors(members, base), scale=0.3), members.mean(0))


def test_whole_models_are_merged_by_it(tiny, tmp_path):
    models = {name: tiny.checkpoint(f"iso-{name}", seed) for seed, name in enumerate(("base", *CODES))}
    chosen = Method(name="iso_c", parameters={"scale": 0.5})
    members = {code: models[code] for code in CODES}
    merge_models({tmp_path / "merge": Recipe(members, models["base"], chosen, "float32", 42)})
    found = load_file(tmp_path / "merge/model.safetensors")
    base, *others = (load_file(models[name] / "model.safetensors") for name in ("base", *CODES))
    name = "model.layers.1.mlp.up_proj.weight"
    expected = iso_c(tensors(torch.stack([other[name] for other in others]), base[name]), scale=0.5)
    torch.testing.assert_close(found[name], expected)
