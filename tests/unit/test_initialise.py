"""Random weights: what nanotron draws, and what stays as it was."""

import math

import pytest
import torch
from conftest import ARCHITECTURE, ROOT, VOCABULARY

from growmerge.artifacts import read_manifest
from growmerge.config import load_files
from growmerge.config.models import Architecture
from growmerge.models.checkpoints import load_checkpoint
from growmerge.models.initialise import initialise, llama_config, publish_initialisation, scale_residual_projections

RESIDUAL = ("o_proj.weight", "down_proj.weight")


def drawn(tiny, folder, architecture: Architecture) -> dict[str, torch.Tensor]:
    publish_initialisation(folder, tiny.folder / "tokenizer", architecture, VOCABULARY, seed=5)
    return load_checkpoint(folder, dtype=torch.float32).state_dict()


def test_scaled_projections_are_the_drawn_ones_over_the_root_of_twice_the_layers(tiny, tmp_path):
    plain = drawn(tiny, tmp_path / "plain", ARCHITECTURE)
    scaled = drawn(tiny, tmp_path / "scaled", ARCHITECTURE.model_copy(update={"residual_init": "scaled"}))
    layers = ARCHITECTURE.num_hidden_layers
    projections = [name for name in plain if name.endswith(RESIDUAL)]
    assert len(projections) == 2 * layers
    for name in plain:
        expected = plain[name] / math.sqrt(2 * layers) if name in projections else plain[name]
        assert torch.equal(scaled[name], expected), name


def test_the_published_shape_has_nanotrons_standard_deviations():
    """By hand: 1/24 = .04167 and .04167 / sqrt(2 * 30) = .005379."""
    paper = load_files(ROOT / "config/config.yaml").architecture
    assert paper.residual_init == "scaled"
    narrow = paper.model_copy(update={"intermediate_size": 192})
    model = initialise(llama_config(narrow, 64, 0, 0), 1)
    scale_residual_projections(model)
    for layer in (model.model.layers[0], model.model.layers[-1]):
        assert layer.self_attn.q_proj.weight.std().item() == pytest.approx(0.04167, rel=0.01)
        assert layer.mlp.up_proj.weight.std().item() == pytest.approx(0.04167, rel=0.01)
        assert layer.self_attn.o_proj.weight.std().item() == pytest.approx(0.005379, rel=0.01)
        assert layer.mlp.down_proj.weight.std().item() == pytest.approx(0.005379, rel=0.01)
    assert model.model.embed_tokens.weight.std().item() == pytest.approx(0.04167, rel=0.02)


def test_the_second_study_follows_megatron_and_the_miniature_stays_plain():
    first = ROOT / "config/config.yaml"
    limits = load_files(first, ROOT / "config/limits-of-merging.yaml").architecture
    assert (limits.residual_init, limits.initializer_range, limits.num_hidden_layers) == ("scaled", 0.02, 24)
    assert load_files(first, ROOT / "config/miniature.yaml").architecture.residual_init == "plain"


def test_params_and_manifests_name_the_key_only_where_it_is_set(tiny, tmp_path):
    drawn(tiny, tmp_path / "plain", ARCHITECTURE)
    assert "residual_init" not in read_manifest(tmp_path / "plain").config["architecture"]
    assert "residual_init" not in ARCHITECTURE.model_dump()
    set_ = ARCHITECTURE.model_copy(update={"residual_init": "scaled"})
    assert set_.model_dump()["residual_init"] == "scaled"
    assert Architecture.model_validate(set_.model_dump()) == set_
