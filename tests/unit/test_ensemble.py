"""An ensemble says the mean of what its members say, and is scored, planned and tabulated beside the merges."""

import json
import logging
import re
import shutil
from copy import deepcopy
from functools import reduce
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from random_llama import random_llama

from growmerge import ids
from growmerge.artifacts import publish, verify
from growmerge.benchmarks.items import ITEMS, Item, write_items
from growmerge.config import load_files
from growmerge.config.load import merge_mappings, read_yaml, validate
from growmerge.data.tokenizer import save_tokenizer, train_tokenizer
from growmerge.errors import GrowmergeError
from growmerge.evaluation.engine import log_likelihoods
from growmerge.evaluation.ensemble import ENSEMBLE_VERSION, Ensemble, load_ensemble, score_ensemble
from growmerge.evaluation.request import Request
from growmerge.evaluation.scores import score_model
from growmerge.models.checkpoints import save_checkpoint
from growmerge.study.costs import Costs, stated_counts
from growmerge.study.grid import Grid
from growmerge.study.layout import Layout
from growmerge.study.plan_rows import Row, plan_rows
from growmerge.study.resources import ensemble_memory, ensemble_minutes, inference_memory, scoring_minutes
from growmerge.study.wildcards import constraints

VOCABULARY = 60
POSITIONS = 24
CONFIG = Path(__file__).parents[2] / "config"
FILES = ("config.yaml", "miniature.yaml", "miniature-translation.yaml")


def llama(seed: int, **config: int):
    return random_llama(
        seed, 0.3, vocab_size=VOCABULARY, max_position_embeddings=POSITIONS, tie_word_embeddings=True, **config
    )


def make_requests(count: int) -> list[Request]:
    rng = np.random.default_rng(0)

    def tokens(most: int) -> tuple[int, ...]:
        return tuple(rng.integers(0, VOCABULARY, rng.integers(1, most + 1)).tolist())

    return [Request(tokens(8), tokens(14)) for _ in range(count)]


# --- the mean of probabilities --------------------------------------------------------------------------------------


@torch.no_grad()
def probabilities(model, tokens) -> np.ndarray:
    """softmax of the logits in fp64, by numpy alone: [length, vocabulary]."""
    logits = model(torch.tensor([tokens])).logits[0].double().numpy()
    powers = np.exp(logits - logits.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def test_a_text_has_the_product_of_the_mean_probabilities_of_its_tokens():
    members = [llama(1), llama(2), llama(3, hidden_size=16, num_hidden_layers=1)]
    requests = make_requests(40)
    expected = []
    for request in requests:
        tokens = request.context + request.continuation
        mean = np.mean([probabilities(member, tokens[:-1]) for member in members], axis=0)
        start = len(request.context)
        expected.append(sum(np.log(mean[i - 1, tokens[i]]) for i in range(start, len(tokens))))
    found = log_likelihoods(Ensemble(members), requests)
    assert found == pytest.approx(expected, abs=1e-4)
    alone = np.array([log_likelihoods(member, requests) for member in members])
    assert np.abs(found - alone).min() > 1e-3, "it is none of its members"


@pytest.mark.parametrize("copies", [1, 2, 5])
def test_copies_of_one_model_say_what_that_model_says(copies):
    model, requests = llama(4), make_requests(30)
    ensemble = Ensemble([deepcopy(model) for _ in range(copies)])
    assert log_likelihoods(ensemble, requests) == pytest.approx(log_likelihoods(model, requests), abs=2e-5)


def test_a_confident_member_is_not_lost_in_rounding():
    """The mean of e^-200 and 1/2 is 1/4, whichever comes first: nothing underflows to log 0."""
    sure, unsure = llama(5), llama(6)
    with torch.no_grad():
        sure.model.embed_tokens.weight.mul_(40)
    requests = make_requests(20)
    there, back = (log_likelihoods(Ensemble(pair), requests) for pair in ([sure, unsure], [unsure, sure]))
    assert np.isfinite(there).all()
    assert there == pytest.approx(back, abs=1e-4)
    bound = log_likelihoods(unsure, requests) - [len(request.continuation) * np.log(2) for request in requests]
    assert (there > bound - 1e-4).all(), "half of what any member says is left at every token"


def test_beginnings_are_shared_and_the_batch_changes_nothing():
    ensemble = Ensemble([llama(1), llama(2)])
    requests = make_requests(60)
    whole = log_likelihoods(ensemble, requests)
    assert log_likelihoods(ensemble, requests, tokens_per_batch=40) == pytest.approx(whole, abs=1e-4)


# --- models on disk -------------------------------------------------------------------------------------------------

CELLS = {
    ("acceptability", "isl"): [Item("a1", "x", ("the cat runs", "the runs cat")), Item("a2", "x", ("a sun", "sun a"))],
    ("translation", "isl"): [Item("t1", "", (), reference="the dog", context="hundurinn: ")],
}


@pytest.fixture
def benchmarks(tmp_path: Path) -> dict[tuple[str, str], Path]:
    folders = {cell: tmp_path / "benchmarks" / "-".join(cell) for cell in CELLS}
    for cell, folder in folders.items():
        with publish(folder) as draft:
            write_items(CELLS[cell], draft.folder / ITEMS)
    return folders


def changed(folder: Path, to: Path, **values: int) -> Path:
    """A copy of a model with other values in its config.json, published."""
    with publish(to) as draft:
        shutil.copytree(folder, draft.folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("manifest.json"))
        config = json.loads((draft.folder / "config.json").read_text())
        (draft.folder / "config.json").write_text(json.dumps(config | values))
    return to


def test_it_is_scored_like_a_model_but_generates_nothing(tiny, tmp_path, benchmarks, caplog, monkeypatch):
    members = {"swe": tiny.checkpoint("ensemble-swe", 2), "isl": tiny.checkpoint("ensemble-isl", 1)}
    folder = tmp_path / "scores/1x/isl+swe/ensemble"
    asked = {"generated": ["translation"], "name": "1x/isl+swe/ensemble", "tokens_per_batch": 200}
    score_ensemble(folder, members, benchmarks, **asked)
    manifest = verify(folder)
    assert sorted(manifest.facts["cells"]) == ["acceptability/isl"]
    assert list(manifest.inputs)[:2] == [str(members["isl"]), str(members["swe"])]
    assert json.loads((folder / "results.json").read_text())["model_name"] == "1x/isl+swe/ensemble"
    table = pd.read_parquet(folder / ITEMS)

    only = {("acceptability", "isl"): benchmarks["acceptability", "isl"]}
    alone = []
    for code, member in members.items():
        score_model(tmp_path / code, member, only, tokens_per_batch=200)
        alone.append(pd.read_parquet(tmp_path / code / ITEMS)["logprob"])
    assert len(table) == 4
    assert table["logprob"].max() < 0
    assert ((table["logprob"] - alone[0]).abs() > 1e-6).all()
    assert (table["logprob"] > np.minimum(*alone) - 1e-4).all()

    with caplog.at_level(logging.INFO):
        score_ensemble(folder, dict(reversed(members.items())), benchmarks, **asked)
        assert "scored 0 cells, kept 1" in caplog.text, "the order in which members are given does not matter"
        score_ensemble(folder, members | {"isl": members["swe"]}, benchmarks, **asked)
        assert "scored 1 cells, kept 0" in caplog.text, "another member makes another ensemble"
        caplog.clear()
        monkeypatch.setattr("growmerge.evaluation.ensemble.ENSEMBLE_VERSION", ENSEMBLE_VERSION + 1)
        score_ensemble(folder, members | {"isl": members["swe"]}, benchmarks, **asked)
        assert "scored 1 cells, kept 0" in caplog.text, "another version of the code does, too"

    shutil.copytree(members["swe"], tmp_path / "damaged")
    weights = bytearray((tmp_path / "damaged/model.safetensors").read_bytes())
    weights[-1] ^= 1
    (tmp_path / "damaged/model.safetensors").write_bytes(weights)
    with pytest.raises(GrowmergeError, match=r"damaged/model\.safetensors: its bytes differ"):
        score_ensemble(folder, members | {"swe": tmp_path / "damaged"}, benchmarks, **asked)


def test_models_that_do_not_fit_together_are_refused_by_name(tiny, tmp_path):
    first = tiny.checkpoint("ensemble-isl", 1)
    with pytest.raises(GrowmergeError, match=r"shorter/config.json: has 32 positions, but .*isl has 64; they cannot"):
        load_ensemble([first, changed(first, tmp_path / "shorter", max_position_embeddings=32)])
    with publish(tmp_path / "smaller") as draft:
        save_checkpoint(random_llama(1, 0.2, vocab_size=300), draft.folder, tiny.folder / "tokenizer")
    with pytest.raises(GrowmergeError, match=r"smaller/config.json: has 300 entries in its vocabulary, but .* has 320"):
        load_ensemble([first, tmp_path / "smaller"])
    other = changed(first, tmp_path / "other")
    save_tokenizer(train_tokenizer(["xyz zyx yxz"] * 9, 320), other)
    with pytest.raises(GrowmergeError, match=r"other/tokenizer.json: is another tokenizer than .*isl's: .*ensemble"):
        load_ensemble([first, other])


# --- the grid -------------------------------------------------------------------------------------------------------


def grid_with(ensemble=None) -> Grid:
    """The grid of the miniature with this key, and without what else it adds to merges."""
    data = reduce(merge_mappings, (read_yaml(CONFIG / name) for name in FILES))
    plain = {"ensemble": ensemble, "healing": None, "rounds": None}
    return Grid(validate(data | {"merging": data["merging"] | plain}))


def test_without_the_key_there_is_none():
    grid = grid_with()
    assert grid.ensembles == [] == [model for model in grid if model.kind == "ensemble"]
    assert not re.fullmatch(constraints(grid)["ensemble"], "1x/ekk+fas+isl+swe/ensemble")


def test_by_default_there_is_one_of_all_languages_in_each_setup():
    grid = grid_with({})
    assert [model.id for model in grid.ensembles] == [
        f"{setup}/ekk+fas+isl+swe/ensemble" for setup in ("1x", "1x_cloned", "2x", "scratch")
    ]
    one = grid.model("2x/ekk+fas+isl+swe/ensemble")
    assert one.id == ids.ensemble("2x", ["swe", "isl", "fas", "ekk"])
    assert one.parents == ("2x/ekk", "2x/fas", "2x/isl", "2x/swe")
    assert (one.kind, one.width, one.languages, one.method) == ("ensemble", 2, ("ekk", "fas", "isl", "swe"), "ensemble")
    assert one not in grid.merges
    assert one in list(grid)
    assert re.fullmatch(constraints(grid)["ensemble"], one.id)
    assert not re.fullmatch(constraints(grid)["model"], one.id)
    assert not re.fullmatch(constraints(grid)["method"], "ensemble")


def test_setups_and_sizes_are_chosen():
    grid = grid_with({"setups": ["2x"], "sizes": [2, 4]})
    assert [model.id for model in grid.ensembles] == [
        *(f"2x/{pair}/ensemble" for pair in ("isl+swe", "ekk+swe", "fas+swe", "ekk+isl", "fas+isl", "ekk+fas")),
        "2x/ekk+fas+isl+swe/ensemble",
    ]


def test_its_scores_are_planned_as_passes_through_every_model_and_without_generation():
    def score_rows(study) -> dict[str, Row]:
        grid = Grid(study)
        rows = plan_rows(grid, Layout(study, grid), Costs(grid, stated_counts(study)), [])
        return {row.id: row for row in rows if row.kind == "score"}

    study = grid_with({"setups": ["2x"]}).study
    silent = study.model_copy(update={"benchmarks": [b for b in study.benchmarks if not b.decoding(study.seed)]})
    assert len(silent.benchmarks) == len(study.benchmarks) - 1
    name, with_texts, without = "2x/ekk+fas+isl+swe/ensemble", score_rows(study), score_rows(silent)
    assert with_texts[name] == without[name]
    assert with_texts[name].flops == 4 * without["2x/multi"].flops < 4 * with_texts["2x/multi"].flops
    assert with_texts[name].parameters == 4 * with_texts["2x/multi"].parameters
    assert (with_texts[name].tokens, with_texts[name].disk_bytes) == (
        without["2x/multi"].tokens,
        without["2x/multi"].disk_bytes,
    )


def test_its_job_gets_memory_and_time_for_every_model():
    grid = grid_with({"setups": ["2x"], "sizes": [2, 4]})
    two, four = grid.model("2x/isl+swe/ensemble"), grid.model("2x/ekk+fas+isl+swe/ensemble")
    assert ensemble_minutes(four, 1) == 2 * ensemble_minutes(two, 1) == 4 * scoring_minutes(False, 1)
    assert ensemble_memory(grid.study, four, 1) == inference_memory(grid.study, 2, 6, 1)
    assert ensemble_memory(grid.study, four, 2) == 2 * ensemble_memory(grid.study, four, 1)


def test_it_has_scores_but_no_translations():
    grid = grid_with({"setups": ["2x"]})
    layout = Layout(grid.study, grid)
    (one,) = grid.ensembles
    assert layout.scores([one]) == ["results/miniature/scores/2x/ekk+fas+isl+swe/ensemble/items.parquet"]
    assert layout.translations([grid.model("2x/swe"), one]) == ["results/miniature/scores/2x/swe/translations.parquet"]
    assert layout.ensemble_members(one.id) == [f"results/miniature/models/2x/{x}" for x in ("ekk", "fas", "isl", "swe")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{setups: [3x]}", "merging.ensemble.setups.0 = '3x': no such setup; known: 1x, 1x_cloned, 2x, scratch"),
        ("{setups: []}", "merging.ensemble.setups = []: is empty; leave it out for all setups"),
        ("{setups: [2x, 2x]}", "merging.ensemble.setups.1 = '2x': occurs twice"),
        ("{sizes: [5]}", "merging.ensemble.sizes.0 = 5: there are only 4 languages to combine"),
        ("{sizes: [1]}", "merging.ensemble.sizes.0 = 1:"),
        ("{sizes: [2, 2]}", "merging.ensemble.sizes.1 = 2: occurs twice"),
        ("{methods: [linear]}", "merging.ensemble.methods"),
    ],
)
def test_a_mistake_is_told_in_one_line(tmp_path, text, expected):
    overlay = tmp_path / "mine.yaml"
    overlay.write_text(f"merging: {{ensemble: {text}}}\n")
    with pytest.raises(GrowmergeError) as error:
        load_files(CONFIG / "config.yaml", CONFIG / "miniature.yaml", overlay)
    (line,) = str(error.value).splitlines()
    assert "mine.yaml: " in line
    assert expected in line


def test_an_ensemble_needs_several_languages_and_a_benchmark_of_log_likelihoods(tmp_path):
    data = reduce(merge_mappings, (read_yaml(CONFIG / name) for name in FILES))
    methods = data["merging"]["methods"][:1]
    data["merging"] |= {"ensemble": {}, "healing": None, "rounds": None, "methods": methods}
    generated = [benchmark for benchmark in data["benchmarks"] if benchmark["name"] == "translation"]
    with pytest.raises(GrowmergeError, match=r"merging.ensemble = .*: every benchmark generates text, and ensembles"):
        validate(data | {"benchmarks": generated})
    one = data | {"languages": data["languages"][:1], "replay": data["replay"] | {"reference": "swe"}}
    one["merging"] = data["merging"] | {"series": {}, "over_training": None}
    with pytest.raises(GrowmergeError, match=r"merging.ensemble = .*: there is only one language"):
        validate(one)
