"""Muon moves the matrices of the layers, AdamW the rest; resumption is exact."""

import signal

import pytest
import torch
from conftest import ARCHITECTURE, ROOT, VOCABULARY
from training_runs import RECIPE, finish, logged, make_inputs, start, train, wait_for_state, weights, with_training

from growmerge.artifacts import sha256_file
from growmerge.config import load_files
from growmerge.config.load import validate
from growmerge.config.training import Training
from growmerge.errors import GrowmergeError
from growmerge.models.initialise import initialise, llama_config
from growmerge.study.grid import Grid
from growmerge.study.recipe import Recipes
from growmerge.training.gradient import Gradient
from growmerge.training.optimizer import make_optimizer, set_learning_rate

MUON = {"optimizer": "muon", "muon_learning_rate": 0.01}


@pytest.fixture(scope="module")
def inputs(tiny):
    return make_inputs(tiny)


def after_one_step(**changes):
    """Weights before and after one step of the loop's optimizer on a random batch."""
    model = initialise(llama_config(ARCHITECTURE, VOCABULARY, 0, 0), 3)
    before = {name: parameter.detach().clone() for name, parameter in model.named_parameters()}
    training = Training.model_validate(with_training(weight_decay=0.0, **changes)["training"])
    optimizer = make_optimizer(model, training, 1)
    set_learning_rate(optimizer, training.learning_rate)
    batch = torch.randint(0, VOCABULARY, (4, 33), generator=torch.Generator().manual_seed(0))
    Gradient(model, "fp32").add(batch, 128)
    optimizer.step()
    return {name: (before[name], parameter.detach()) for name, parameter in model.named_parameters()}


def test_matrices_of_the_layers_move_along_orthogonal_directions_and_the_rest_as_with_adamw():
    by_adamw, by_muon = after_one_step(), after_one_step(**MUON)
    for name, (before, after) in by_muon.items():
        if ".layers." not in name or before.ndim == 1:
            assert torch.equal(after, by_adamw[name][1]), name
            continue
        rows, columns = before.shape
        moved = (before - after) / (MUON["muon_learning_rate"] * max(1, rows / columns) ** 0.5)
        assert 0.3 < torch.linalg.svdvals(moved)[: min(rows, columns) // 2].min() < 1.3, name
        assert torch.linalg.svdvals(moved).max() < 1.3, name


def test_the_rate_of_the_matrices_follows_the_schedule():
    optimizer = make_optimizer(
        initialise(llama_config(ARCHITECTURE, VOCABULARY, 0, 0), 3),
        Training.model_validate(with_training(**MUON)["training"]),
        1,
    )
    set_learning_rate(optimizer, RECIPE["training"]["learning_rate"] / 4)
    assert [group["lr"] for group in optimizer.param_groups] == pytest.approx([0.003 / 4, 0.003 / 4, 0.01 / 4])


@pytest.mark.slow
def test_killed_with_9_it_resumes_and_ends_with_the_same_bits(inputs, tmp_path):
    recipe = with_training(**MUON)
    train(inputs, tmp_path / "whole", recipe)
    process = start(inputs, tmp_path / "killed", recipe)
    wait_for_state(process, tmp_path / "killed", 20)
    process.kill()
    assert process.wait() == -signal.SIGKILL
    finish(start(inputs, tmp_path / "killed", recipe), tmp_path / "killed")
    assert weights(tmp_path / "killed") == weights(tmp_path / "whole")
    checkpoint = "checkpoints/step-000050/model.safetensors"
    assert sha256_file(tmp_path / "killed" / checkpoint) == sha256_file(tmp_path / "whole" / checkpoint)
    losses = [entry["loss"] for entry in logged(tmp_path / "whole")]
    assert losses[-1] < losses[0] - 1.5, "it learns"


def test_a_recipe_names_the_optimizer_if_it_is_not_adamw(tmp_path):
    """Else every training that was made before there was a choice would be made again."""
    overlay = tmp_path / "muon.yaml"
    overlay.write_text("training: {optimizer: muon, layer_scale: null}\n", encoding="utf-8")
    files = [ROOT / "config/config.yaml", ROOT / "config/miniature.yaml"]
    one_rate = ROOT / "config/miniature-one-rate.yaml"
    plain, muon = (
        Recipes(Grid(load_files(*files, *more))).of("seed").plain() for more in ([one_rate], [one_rate, overlay])
    )
    assert not {"optimizer", "muon_learning_rate"} & plain["training"].keys()
    assert muon["training"] == plain["training"] | {"optimizer": "muon", "muon_learning_rate": 0.02}


def test_a_rate_that_adamw_does_not_use_is_refused(tmp_path):
    overlay = tmp_path / "mine.yaml"
    overlay.write_text("training: {muon_learning_rate: 0.01}\n", encoding="utf-8")
    with pytest.raises(
        GrowmergeError, match=r"mine.yaml: training.muon_learning_rate = 0.01: .*set training.optimizer"
    ):
        load_files(ROOT / "config/config.yaml", overlay)


def test_a_configuration_that_a_job_reads_again_with_its_defaults_is_valid():
    """Its default rate is there, though nobody set it."""
    study = load_files(ROOT / "config/config.yaml")
    again = validate(study.model_dump(mode="json", by_alias=True))
    assert again.training == study.training
