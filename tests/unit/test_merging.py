"""Merges are mergekit's, reproducible to the byte, plain checkpoints, and never made from damaged members."""

import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import torch
from conftest import ROOT
from safetensors.torch import load_file

from growmerge.artifacts import sha256_file, verify
from growmerge.config import load_files
from growmerge.config.schema import Method
from growmerge.errors import GrowmergeError
from growmerge.merging.merge import merge_digest, merge_models, mergekit_config

METHODS = {m.name: m for m in load_files(ROOT / "config/config.yaml").merging.methods}


@pytest.fixture(scope="module")
def models(tiny):
    return {name: tiny.checkpoint(name, seed) for seed, name in enumerate(("base", "swe", "isl", "ekk"))}


@pytest.fixture(scope="module")
def members(models):
    return {code: models[code] for code in ("swe", "isl", "ekk")}


def weights(folder):
    return sha256_file(Path(folder) / "model.safetensors")


@pytest.mark.parametrize("name", METHODS)
def test_the_same_merge_twice_is_the_same_bytes_whatever_the_order_of_members_and_threads(
    name, models, members, tmp_path
):
    merge_models(members, models["base"], METHODS[name], "float32", 42, tmp_path / "a")
    threads = torch.get_num_threads()
    torch.set_num_threads(2 if threads == 1 else 1)
    reordered = dict(sorted(members.items(), reverse=True))
    merge_models(reordered, models["base"], METHODS[name], "float32", 42, tmp_path / "b")
    torch.set_num_threads(threads)
    assert weights(tmp_path / "a") == weights(tmp_path / "b")


def test_another_seed_is_another_dare(models, members, tmp_path):
    for seed in (1, 2):
        merge_models(members, models["base"], METHODS["dare_ties"], "float32", seed, tmp_path / str(seed))
    assert weights(tmp_path / "1") != weights(tmp_path / "2")


@pytest.mark.parametrize("name", ["linear", "task_arithmetic", "multislerp"])
def test_merging_equal_models_gives_that_model(name, models, tiny, tmp_path):
    same = {"swe": models["swe"], "isl": tiny.checkpoint("twin", 1)}
    merge_models(same, models["base"], METHODS[name], "float32", 42, tmp_path / "m")
    merged, source = (load_file(folder / "model.safetensors") for folder in (tmp_path / "m", models["swe"]))
    for key, tensor in source.items():
        torch.testing.assert_close(merged[key], tensor, rtol=1e-5, atol=1e-6)


def test_linear_is_the_mean_and_task_arithmetic_with_equal_weights_equals_it(models, members, tmp_path):
    for name in ("linear", "task_arithmetic"):
        merge_models(members, models["base"], METHODS[name], "float32", 42, tmp_path / name)
    linear, arithmetic = (load_file(tmp_path / n / "model.safetensors") for n in ("linear", "task_arithmetic"))
    sources = [load_file(folder / "model.safetensors") for folder in members.values()]
    for key, tensor in linear.items():
        torch.testing.assert_close(tensor, sum(s[key] for s in sources) / 3, rtol=1e-5, atol=1e-6)
        torch.testing.assert_close(tensor, arithmetic[key], rtol=1e-5, atol=1e-6)


def test_the_kept_configuration_reproduces_the_merge_with_mergekit_yaml(models, members, tmp_path, monkeypatch):
    monkeypatch.chdir(models["base"].parents[1])
    relative = {code: folder.relative_to(Path.cwd()) for code, folder in members.items()}
    merge_models(relative, Path("models/base"), METHODS["dare_ties"], "float16", 7, tmp_path / "ours")
    # One slash in a relative path makes mergekit ask the hub for it: here it is told apart by a leading dot.
    config = (tmp_path / "ours/mergekit_config.yml").read_text().replace("models/", "./models/")
    (tmp_path / "config.yml").write_text(config)
    tool = Path(sys.executable).with_name("mergekit-yaml")
    subprocess.run(
        [tool, tmp_path / "config.yml", tmp_path / "theirs", "--random-seed", "7", "--no-copy-tokenizer"],
        check=True, capture_output=True, env={"HF_HUB_OFFLINE": "1", "PATH": "/usr/bin"},
    )  # fmt: skip
    assert weights(tmp_path / "ours") == weights(tmp_path / "theirs")


def test_a_merge_is_a_plain_tied_checkpoint_with_tokenizer_and_card(models, members, tmp_path):
    from transformers import AutoModelForCausalLM, AutoTokenizer

    merge_models(members, models["base"], METHODS["ties"], "float16", 42, tmp_path / "m")
    verify(tmp_path / "m")
    model = AutoModelForCausalLM.from_pretrained(tmp_path / "m")
    assert model.dtype == torch.float16
    assert model.lm_head.weight.data_ptr() == model.model.embed_tokens.weight.data_ptr()
    assert AutoTokenizer.from_pretrained(tmp_path / "m")("the cat")["input_ids"]
    card = (tmp_path / "m/README.md").read_text()
    assert all(code in card for code in members)
    assert "density: 0.5" in card


def test_identity_knows_members_base_method_and_seed_but_not_order(models, members):
    def digest(chosen=members, base=models["base"], method=METHODS["ties"], dtype="float16", seed=1):
        return merge_digest(chosen, base, method, dtype, seed)

    assert digest() == digest(dict(sorted(members.items(), reverse=True)))
    changed = [
        digest({**members, "swe": models["base"]}),
        digest(base=models["ekk"]),
        digest(method=METHODS["dare_ties"]),
        digest(dtype="float32"),
        digest(seed=2),
    ]
    assert len({digest(), *changed}) == 6
    linear = METHODS["linear"]
    assert digest(method=linear) == digest(method=linear, base=models["ekk"]), "linear has no base"


def test_parameters_and_methods_that_mergekit_lacks_are_refused(models, members):
    with pytest.raises(GrowmergeError, match=r"'linear': parameters.density = 0.5: mergekit's linear has no such"):
        wrong = Method(name="linear", parameters={"weight": 1.0, "density": 0.5})
        mergekit_config(members, models["base"], wrong, "float16")
    with pytest.raises(GrowmergeError, match="'tyes' is not a merge method"):
        mergekit_config(members, models["base"], Method(name="tyes"), "float16")
    with pytest.raises(GrowmergeError, match=r"uses_base = False, but for mergekit's ties a base model is required"):
        mergekit_config(members, models["base"], Method(name="ties"), "float16")


def test_a_variant_has_a_name_of_its_own(models, members, tmp_path):
    variant = Method(name="ties-0.9", method="ties", uses_base=True, parameters={"weight": 1.0, "density": 0.9})
    merge_models(members, models["base"], variant, "float32", 42, tmp_path / "a")
    merge_models(members, models["base"], METHODS["ties"], "float32", 42, tmp_path / "b")
    assert weights(tmp_path / "a") != weights(tmp_path / "b")


def test_a_damaged_member_is_refused_before_merging(models, members, tmp_path):
    shutil.copytree(members["swe"], tmp_path / "swe")
    data = bytearray((tmp_path / "swe/model.safetensors").read_bytes())
    data[-1] ^= 1
    (tmp_path / "swe/model.safetensors").write_bytes(data)
    with pytest.raises(GrowmergeError, match=r"swe.model.safetensors: its bytes differ"):
        merge_models(
            {**members, "swe": tmp_path / "swe"}, models["base"], METHODS["linear"], "float16", 1, tmp_path / "m"
        )
    assert not (tmp_path / "m").exists()


def test_merges_are_scored_removed_and_not_made_again(models, members, tmp_path, caplog):
    from growmerge.artifacts import publish
    from growmerge.evaluation.items import Item, write_items
    from growmerge.merging.combination import merge_and_score

    cells = {}
    for language in ("swe", "isl"):
        with publish(tmp_path / f"benchmarks/{language}") as draft:
            write_items([Item("1", "word_order", ("the cat runs", "cat the runs"))], draft.folder / "items.parquet")
        cells["acceptability", language] = tmp_path / f"benchmarks/{language}"
    methods = [METHODS["linear"], METHODS["ties"]]
    scores = {m.name: tmp_path / "scores" / m.name for m in methods}

    def run(cells, methods):
        """Returns which methods were merged."""
        with caplog.at_level("INFO", logger="growmerge"):
            caplog.clear()
            merge_and_score(
                members, models["base"], methods, "float16", 42, cells=cells, scores=scores, work=tmp_path / "work",
                tokens_per_batch=512,
            )  # fmt: skip
        assert not (tmp_path / "work").exists(), "merges are gone"
        return [r.args[1] for r in caplog.records if r.msg.startswith("merging")]

    one = {("acceptability", "swe"): cells["acceptability", "swe"]}
    assert run(one, methods[:1]) == ["linear"]
    assert run(one, methods) == ["ties"], "a new method merges nothing that is there"
    old = pd.read_parquet(scores["ties"] / "items.parquet")
    assert run(cells, methods) == ["linear", "ties"], "a new language is scored with merges made again"
    new = pd.read_parquet(scores["ties"] / "items.parquet")
    assert new.groupby("language").size().to_dict() == {"isl": 2, "swe": 2}
    assert new[new.language == "swe"].reset_index(drop=True).equals(old)
    assert run(cells, methods) == [], "nothing is left to do"
    (scores["linear"] / "items.parquet").write_bytes(b"damaged")
    assert run(cells, methods) == ["linear"], "damaged scores are made again"
    verify(scores["linear"])
