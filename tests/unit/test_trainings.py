"""The table of trainings: from manifests and training logs alone."""

import json

import pandas as pd
import pytest

from growmerge.artifacts import publish, read_manifest
from growmerge.errors import GrowmergeError
from growmerge.study.grid import Model
from growmerge.tables.trainings import COLUMNS, write_trainings

MODELS = [
    Model("base-1x", "base", ("seed",), 1),
    Model("2x/isl", "model", ("base-2x",), 2, "2x", "isl", languages=("isl",)),
    Model("2x/swe", "model", ("base-2x",), 2, "2x", "swe", languages=("swe",)),
]


def train(folder, model, **entries):
    """What a training leaves behind: a manifest with facts, and a log whose entries have one more key."""
    facts = {"steps": 20, "tokens": 640, "flops": 1e9, "loss": 2.5, "loss_spikes": 1, "ranks": 1}
    with publish(folder / model) as draft:
        (draft.folder / "model.safetensors").write_bytes(b"weights")
        lines = [
            {"step": step, "loss": 2.5} | {key: ends[i] for key, ends in entries.items()}
            for i, step in [(0, 1), (1, 20)]
        ]
        (draft.folder / "training_log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
        draft.facts |= facts


@pytest.fixture
def models(tmp_path):
    train(tmp_path / "models", "base-1x")
    train(tmp_path / "models", "2x/isl", block_asymmetry=[0.0, 0.0])
    train(tmp_path / "models", "2x/swe", block_asymmetry=[0.31, 0.42])
    return tmp_path / "models"


def test_a_row_has_length_cost_loss_and_the_asymmetry_of_a_clone_at_both_ends(models, tmp_path):
    path = tmp_path / "tables/trainings.parquet"
    write_trainings(MODELS, models, path)
    table = pd.read_parquet(path)
    assert tuple(table.columns) == COLUMNS
    assert list(table["id"]) == ["base-1x", "2x/isl", "2x/swe"]
    assert list(table["width"]) == [1, 2, 2]
    assert table.loc[2, ["setup", "target"]].tolist() == ["2x", "swe"]
    assert table.loc[0, ["steps", "tokens", "flops", "loss", "loss_spikes"]].tolist() == [20, 640, 1e9, 2.5, 1]
    asymmetry = table[["block_asymmetry_first", "block_asymmetry_last"]]
    assert asymmetry.loc[0].isna().all(), "width 1 has no copies"
    assert asymmetry.loc[1].tolist() == [0.0, 0.0]
    assert asymmetry.loc[2].tolist() == [0.31, 0.42]
    assert read_manifest(path).facts == {"models": 3, "models_without_training": 0, "symmetric": ["2x/isl"]}


def test_a_model_that_is_not_there_is_a_hole(models, tmp_path):
    path = tmp_path / "trainings.parquet"
    write_trainings([*MODELS, Model("2x/fas", "model", ("base-2x",), 2, "2x", "fas")], models, path)
    last = pd.read_parquet(path).iloc[-1]
    assert last["id"] == "2x/fas" and last.drop(["id", "setup", "target", "width"]).isna().all()
    assert read_manifest(path).facts["models_without_training"] == 1


def test_with_several_seeds_a_row_says_which_seed_it_is_of(models, tmp_path):
    train(tmp_path / "models", "2x#43/swe")
    path = tmp_path / "trainings.parquet"
    further = Model("2x#43/swe", "model", ("base-2x#43",), 2, "2x#43", "swe")
    write_trainings([*MODELS, further], models, path, {"2x/swe": {42: "2x/swe", 43: "2x#43/swe"}})
    table = pd.read_parquet(path)
    assert tuple(table.columns) == (*COLUMNS, "seed")
    assert dict(zip(table["id"], table["seed"], strict=True)) == {
        "base-1x": "all",  # made once, as are models that this study has one seed of
        "2x/isl": "all",
        "2x/swe": "42",
        "2x#43/swe": "43",
    }


def test_weights_are_not_read_but_a_damaged_log_is_refused(models, tmp_path):
    (models / "2x/isl/model.safetensors").unlink()
    write_trainings(MODELS, models, tmp_path / "trainings.parquet")
    log = models / "2x/isl/training_log.jsonl"
    log.write_text(log.read_text().replace("2.5", "1.5"))
    with pytest.raises(GrowmergeError, match=r"training_log.jsonl: its bytes differ"):
        write_trainings(MODELS, models, tmp_path / "trainings.parquet")
