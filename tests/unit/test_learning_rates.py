"""A base or a setup may train at a learning rate of its own; without one, recipes are what they were."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from conftest import ARCHITECTURE, VOCABULARY
from training_runs import with_training

from growmerge.config import Study, load_files
from growmerge.config.training import Training
from growmerge.errors import GrowmergeError
from growmerge.models.hyperclone import hyperclone
from growmerge.models.initialise import initialise, llama_config
from growmerge.study.grid import Grid
from growmerge.study.recipe import Recipes
from growmerge.training.gradient import Gradient
from growmerge.training.optimizer import make_optimizer, set_learning_rate

CONFIG = Path(__file__).parents[2] / "config"
MINIATURE = [CONFIG / "config.yaml", CONFIG / "miniature.yaml"]
ALL = "ekk+fas+isl+swe"


def rates(study: Study) -> dict[str, float]:
    """The peak of every training."""
    grid = Grid(study)
    recipes = Recipes(grid)
    return {model.id: recipes.of(model.id).training["learning_rate"] for model in grid.trained}


def with_rates(study: Study, bases: dict[str, float] | None = None, setups: dict[str, float] | None = None) -> Study:
    def own(entries, chosen):
        return [e.model_copy(update={"learning_rate": chosen.get(e.name)}) for e in entries]

    return study.model_copy(update={"bases": own(study.bases, bases or {}), "setups": own(study.setups, setups or {})})


def test_a_rate_of_a_setup_is_that_of_all_its_trainings_and_of_no_others():
    study = with_rates(load_files(*MINIATURE), setups={"1x": 0.001})
    found = rates(study)
    healed = {name for name in found if "~" in name}
    changed = {name for name, rate in found.items() if rate == 0.001}
    experts = {f"1x/{target}" for target in ("swe", "isl", "ekk", "fas", "multi")}
    rounds = {f"{setup}/{code}" for setup in ("1x-rounds-2", "1x-rounds-2.1") for code in ("swe", "isl", "ekk", "fas")}
    assert changed == experts | rounds
    assert healed and all(found[name] == 0.024 for name in healed), "healing states a rate of its own"
    assert {found[name] for name in found.keys() - changed - healed} == {study.training.learning_rate}


def test_healing_without_a_rate_trains_at_that_of_its_setup():
    study = load_files(*MINIATURE)
    healing = study.merging.healing.model_copy(update={"learning_rate": None, "setups": ["1x", "2x"]})
    study = study.model_copy(update={"merging": study.merging.model_copy(update={"healing": healing})})
    found = rates(with_rates(study, setups={"2x": 0.002}))
    assert found[f"2x/{ALL}/linear~5"] == found[f"2x/{ALL}/base~5"] == 0.002
    assert found[f"1x/{ALL}/linear~5"] == study.training.learning_rate


def test_a_rate_of_a_base_is_its_own_alone():
    study = with_rates(load_files(*MINIATURE), bases={"base-2x": 0.004})
    found = rates(study)
    assert {name for name, rate in found.items() if rate == 0.004} == {"base-2x"}


def test_without_rates_of_their_own_recipes_are_what_they_were():
    grid = Grid(load_files(*MINIATURE))
    training = Recipes(grid).of("2x/isl").plain()["training"]
    assert list(training)[:3] == ["sequence_length", "batch_sequences", "learning_rate"], "params have an order, too"
    assert training["learning_rate"] == 0.048


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("bases: [{name: init, from: random, learning_rate: 0.1}]", r"bases.0.learning_rate = 0.1: is never used"),
        ("setups: [{name: 1x, base: base-1x, learning_rate: 0}]", r"setups.0.learning_rate = 0"),
        ("training: {optimizer: muon, layer_scale: 0.5}", r"training.layer_scale = 0.5: training.optimizer is muon"),
    ],
)
def test_a_rate_that_cannot_be_meant_is_an_error(tmp_path, text, message):
    overlay = tmp_path / "mine.yaml"
    overlay.write_text(text, encoding="utf-8")
    with pytest.raises(GrowmergeError, match=message):
        load_files(*MINIATURE, overlay)


# --- the matrices of the layers ---------------------------------------------------------------------------------------


def moved(width: int, **changes: float) -> dict[str, float]:
    """By parameter, the largest move of a weight in the first step; AdamW's first step is the rate, in all weights."""
    narrow = initialise(llama_config(ARCHITECTURE, VOCABULARY, 0, 0), 3)
    model = hyperclone(narrow, width, 10.0) if width > 1 else narrow
    before = {name: parameter.detach().clone() for name, parameter in model.named_parameters()}
    training = Training.model_validate(with_training(weight_decay=0.0, learning_rate=0.001, **changes)["training"])
    optimizer = make_optimizer(model, training, width)
    set_learning_rate(optimizer, training.learning_rate)
    batch = torch.randint(0, VOCABULARY, (4, 33), generator=torch.Generator().manual_seed(0))
    Gradient(model, "fp32").add(batch, 128)
    optimizer.step()
    return {name: float((before[name] - now.detach()).abs().max()) for name, now in model.named_parameters()}


@pytest.mark.parametrize("width", [1, 2])
def test_matrices_of_the_layers_train_at_their_share_divided_by_the_width(width):
    plain, scaled = moved(width), moved(width, layer_scale=0.25)
    matrices = {name for name in plain if ".layers." in name and "norm" not in name}
    assert len(matrices) == 7 * ARCHITECTURE.num_hidden_layers
    for name, move in scaled.items():
        share = 0.25 / width if name in matrices else 1
        assert move == pytest.approx(share * plain[name], rel=0.02), name


def test_a_recipe_names_the_share_only_if_there_is_one(tmp_path):
    overlay = tmp_path / "mine.yaml"
    overlay.write_text("training: {layer_scale: null}\n", encoding="utf-8")
    plain, scaled = (Recipes(Grid(load_files(*MINIATURE, *more))).of("seed").plain() for more in ([overlay], []))
    assert "layer_scale" not in plain["training"]
    assert scaled["training"] == plain["training"] | {"layer_scale": 0.125}
