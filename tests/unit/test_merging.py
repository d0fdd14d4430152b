"""Merges are reproducible to the byte, plain checkpoints, temporary, and never made from members that do not fit."""

import json
import os
import pickle
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import ROOT, VOCABULARY
from safetensors.torch import load_file, save_file

from growmerge.artifacts import publish, sha256_file, verify, write_manifest
from growmerge.benchmarks.items import Item, write_items
from growmerge.catalogue.entry import Decoding
from growmerge.catalogue.merge_registry import merge_methods
from growmerge.config import load_files
from growmerge.config.merging import EmbeddingMethod, Method
from growmerge.data.token_counts import COUNTS
from growmerge.errors import GrowmergeError
from growmerge.evaluation.chrf import count
from growmerge.evaluation.results import harness_results
from growmerge.merging.blocks import workers
from growmerge.merging.card import card, write_card
from growmerge.merging.combination import merge_and_score
from growmerge.merging.inputs import Inputs
from growmerge.merging.merge import merge_models
from growmerge.merging.recipe import MERGER_VERSION, Recipe
from growmerge.merging.request import device_for
from growmerge.merging.writer import Writer
from growmerge.study.grid import Model
from growmerge.tables.summary import SCORE_COLUMNS, summarise

METHODS = {m.name: m for m in load_files(ROOT / "config/config.yaml").merging.methods}


@pytest.fixture(scope="module")
def models(tiny):
    return {name: tiny.checkpoint(name, seed) for seed, name in enumerate(("base", "swe", "isl", "ekk"))}


@pytest.fixture(scope="module")
def members(models):
    return {code: models[code] for code in ("swe", "isl", "ekk")}


def weights(folder):
    return sha256_file(Path(folder) / "model.safetensors")


def recipe(models, members, method, *, base="base", dtype="float32", seed=42):
    return Recipe(members, models[base], method, dtype, seed)


RANDOM = Method(name="della", uses_base=True, parameters={"weight": 1.0, "density": 0.5})


@pytest.mark.parametrize("method", [*METHODS.values(), RANDOM], ids=lambda method: method.name)
def test_the_same_merge_is_the_same_bytes_whatever_the_order_of_members_the_threads_and_what_is_made_with_it(
    method, models, members, tmp_path
):
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    merge_models({tmp_path / "a": recipe(models, members, method)})
    torch.set_num_threads(3)
    reordered = dict(sorted(members.items(), reverse=True))
    together = {tmp_path / name: recipe(models, reordered, METHODS[name]) for name in ("dare_ties", "linear", "ties")}
    merge_models(together | {tmp_path / "b": recipe(models, reordered, method)})
    torch.set_num_threads(threads)
    assert weights(tmp_path / "a") == weights(tmp_path / "b")
    assert torch.get_num_threads() == threads


@pytest.mark.parametrize("threads", [1, 3])
def test_tensors_that_are_too_large_to_be_held_are_merged_to_the_same_bytes(
    threads, models, members, tmp_path, monkeypatch
):
    def make(folder):
        merge_models({tmp_path / folder / n: recipe(models, members, m, dtype="float16") for n, m in METHODS.items()})

    make("held")
    monkeypatch.setattr("growmerge.merging.merge.HELD", 40 * 32)
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    make("read")
    torch.set_num_threads(before)
    for name in METHODS:
        assert weights(tmp_path / "held" / name) == weights(tmp_path / "read" / name), name


def test_another_seed_is_another_dare(models, members, tmp_path):
    for seed in (1, 2):
        merge_models({tmp_path / str(seed): recipe(models, members, METHODS["dare_ties"], seed=seed)})
    assert weights(tmp_path / "1") != weights(tmp_path / "2")


@pytest.mark.parametrize("dtype", ["float32", "float16"])
@pytest.mark.parametrize("name", METHODS)
def test_merging_equal_models_gives_that_model(name, dtype, models, tiny, tmp_path):
    same = {"swe": models["swe"], "isl": tiny.checkpoint("twin", 1)}
    method = METHODS[name]
    if "density" in method.parameters:  # what is dropped is lost, even if all members drop the same
        method = method.model_copy(update={"parameters": method.parameters | {"density": 1.0}})
    merge_models({tmp_path / "m": recipe(models, same, method, dtype=dtype)})
    merged, source = (load_file(folder / "model.safetensors") for folder in (tmp_path / "m", models["swe"]))
    for key, tensor in source.items():
        if name == "linear":
            assert torch.equal(merged[key], tensor.to(merged[key].dtype))
        else:  # a difference to the base, or a direction and a length, is rounded on the way
            eps = torch.finfo(merged[key].dtype).eps
            torch.testing.assert_close(merged[key].float(), tensor, rtol=10 * eps, atol=eps)


def test_linear_is_the_mean_and_task_arithmetic_with_equal_weights_equals_it(models, members, tmp_path):
    merge_models({tmp_path / n: recipe(models, members, METHODS[n]) for n in ("linear", "task_arithmetic")})
    linear, arithmetic = (load_file(tmp_path / n / "model.safetensors") for n in ("linear", "task_arithmetic"))
    sources = [load_file(folder / "model.safetensors") for folder in members.values()]
    for key, tensor in linear.items():
        torch.testing.assert_close(tensor, sum(s[key] for s in sources) / 3, rtol=1e-5, atol=1e-6)
        torch.testing.assert_close(tensor, arithmetic[key], rtol=1e-5, atol=1e-6)


def test_a_merge_is_a_plain_tied_checkpoint_with_tokenizer_and_card(models, members, tmp_path):
    from transformers import AutoModelForCausalLM, AutoTokenizer

    merge_models({tmp_path / "m": recipe(models, members, METHODS["ties"], dtype="float16")})
    verify(tmp_path / "m")
    model = AutoModelForCausalLM.from_pretrained(tmp_path / "m")
    assert model.dtype == torch.float16
    assert model.lm_head.weight.data_ptr() == model.model.embed_tokens.weight.data_ptr()
    assert AutoTokenizer.from_pretrained(tmp_path / "m")("the cat")["input_ids"]
    text = (tmp_path / "m/README.md").read_text()
    assert all(code in text for code in members)
    assert "density: 0.5" in text
    assert "licence: not stated" in text
    assert "Scores" not in text


def test_identity_knows_members_base_method_weights_and_seed_but_not_order(models, members):
    def digest(chosen=members, method=METHODS["ties"], **others):
        return recipe(models, chosen, method, **others).digest

    ties = METHODS["ties"]
    assert digest() == digest(dict(sorted(members.items(), reverse=True)))
    changed = [
        digest({**members, "swe": models["base"]}),
        digest(base="ekk"),
        digest(method=METHODS["dare_ties"]),
        digest(dtype="float16"),
        digest(seed=2),
        digest(method=ties.model_copy(update={"weights": {"swe": 2.0}})),
    ]
    assert len({digest(), *changed}) == 7
    assert digest(method=ties.model_copy(update={"weights": {"fao": 2.0}})) == digest(), "no member's weight"
    linear = METHODS["linear"]
    assert digest(method=linear) == digest(method=linear, base="ekk"), "linear has no base"


def test_another_version_of_the_merger_or_of_mergekit_makes_another_merge(models, members, monkeypatch):
    def digest():
        return recipe(models, members, METHODS["ties"]).digest

    digests = {digest()}
    with monkeypatch.context() as newer:
        newer.setattr("growmerge.merging.recipe.MERGER_VERSION", MERGER_VERSION + 1)
        digests.add(digest())
    with monkeypatch.context() as newer:
        newer.setattr("growmerge.merging.recipe.metadata.version", lambda package: f"another {package}")
        digests.add(digest())
    assert len(digests) == 3


def test_a_variant_has_a_name_of_its_own(models, members, tmp_path):
    variant = Method(name="ties-0.9", method="ties", uses_base=True, parameters={"weight": 1.0, "density": 0.9})
    merge_models({tmp_path / m.name: recipe(models, members, m) for m in (variant, METHODS["ties"])})
    assert weights(tmp_path / "ties-0.9") != weights(tmp_path / "ties")


@pytest.fixture
def edited(models, tmp_path):
    """A copy of a checkpoint whose tensors or config are edited, with a manifest that fits."""

    def make(tensors=None, config=None, dtype=None, tokenizer=None):
        with publish(tmp_path / "edited") as draft:
            shutil.copytree(models["swe"], draft.folder, dirs_exist_ok=True)
            (draft.folder / "manifest.json").unlink()
            held = load_file(draft.folder / "model.safetensors")
            held = {name: tensor.to(dtype) if dtype else tensor for name, tensor in held.items()} | (tensors or {})
            held = {name: tensor for name, tensor in held.items() if tensor is not None}
            save_file(held, draft.folder / "model.safetensors", {"format": "pt"})
            values = json.loads((draft.folder / "config.json").read_text()) | (config or {})
            (draft.folder / "config.json").write_text(json.dumps(values))
            if tokenizer:
                file = draft.folder / "tokenizer.json"
                file.write_text(json.dumps(tokenizer(json.loads(file.read_text()))))
        return tmp_path / "edited"

    return make


NORM = "model.layers.1.input_layernorm.weight"
EMBEDDING = "model.embed_tokens.weight"
WRONG = {
    "a lacking tensor": ({"tensors": {NORM: None}}, f"edited: the weights lack tensor {NORM}"),
    "an extra tensor": ({"tensors": {"model.extra": torch.ones(2)}}, "edited.*unexpected tensor model.extra"),
    "a shape": ({"tensors": {NORM: torch.ones(31)}}, rf"edited.*tensor {NORM} has shape \[31\]"),
    "a vocabulary": (
        {"tensors": {EMBEDDING: torch.ones(300, 32)}, "config": {"vocab_size": 300}},
        rf"edited: another vocabulary: tensor {EMBEDDING} has shape \[300, 32\], that of .*isl has \[320, 32\]",
    ),
    "integers": ({"tensors": {NORM: torch.ones(32, dtype=torch.int32)}}, rf"edited.*tensor {NORM} has dtype I32"),
    "not a number": ({"tensors": {NORM: torch.full((32,), torch.nan)}}, f"edited: tensor {NORM} has values .* finite"),
    "infinite in float16": ({"tensors": {NORM: torch.full((32,), 1e6)}}, f"edited: tensor {NORM} .* as float16"),
    "a head of its own": (
        {"tensors": {"lm_head.weight": torch.ones(320, 32)}, "config": {"tie_word_embeddings": False}},
        "edited: lm_head.weight is a tensor of its own, that of .*isl is not so",
    ),
    "an activation": ({"config": {"hidden_act": "gelu"}}, "edited/config.json: hidden_act = 'gelu', but .*isl has"),
    "a constant of norms": (
        {"config": {"rms_norm_eps": 0.01}},
        r"edited/config.json: rms_norm_eps = 0\.01, but .*isl has",
    ),
    "rotary frequencies": (
        {"config": {"rope_parameters": {"rope_type": "default", "rope_theta": 77.0}}},
        r"edited/config.json: rope_parameters = .*77\.0.*, but .*isl has",
    ),
    "heads of the same tensors": (
        {"config": {"num_attention_heads": 8, "num_key_value_heads": 4, "head_dim": 4}},
        "edited/config.json: num_attention_heads = 8, but .*isl has 4",
    ),
    "a dtype": (
        {"dtype": torch.bfloat16},
        rf"edited: tensor {EMBEDDING} is stored as BF16, that of .*isl as F32; save both",
    ),
    "a tokenizer": (
        {"tokenizer": lambda data: data | {"normalizer": {"type": "Lowercase"}}},
        "edited/tokenizer.json: is another tokenizer than .*isl's: .* becomes .* there; they cannot be merged",
    ),
    "a tokenizer that cannot be read": ({"tokenizer": lambda _: {}}, "edited/tokenizer.json: cannot be read"),
    "remote code": ({"config": {"auto_map": {"AutoModel": "x.py"}}}, "auto_map asks for remote code, .* never run"),
    "another family": ({"config": {"model_type": "gemma"}}, "model_type is 'gemma'; only 'llama'"),
}


@pytest.mark.parametrize("what", WRONG)
def test_members_that_do_not_fit_are_refused_by_name_of_tensor_and_model(what, models, edited, tmp_path):
    changes, message = WRONG[what]
    members = {"isl": models["isl"], "swe": edited(**changes)}
    with pytest.raises(GrowmergeError, match=message):
        merge_models({tmp_path / "m": recipe(models, members, METHODS["linear"], dtype="float16")})
    assert not (tmp_path / "m").exists()
    assert not list(tmp_path.glob(".m.*"))


@pytest.mark.parametrize("what", ["an activation", "a vocabulary", "a dtype", "not a number"])
def test_the_last_of_three_members_is_looked_at_too(what, models, edited, tmp_path):
    changes, message = WRONG[what]
    members = {"ekk": models["ekk"], "isl": models["isl"], "swe": edited(**changes)}
    with pytest.raises(GrowmergeError, match=message.replace("isl", "ekk")):
        merge_models({tmp_path / "m": recipe(models, members, METHODS["linear"], dtype="float16")})


def test_a_member_that_is_cut_off_after_it_was_verified_is_refused(models, members, tmp_path):
    shutil.copytree(models["swe"], tmp_path / "swe")
    chosen = recipe(models, members | {"swe": tmp_path / "swe"}, METHODS["linear"])
    with workers() as crew:
        inputs = Inputs(chosen.checkpoints, crew)
    weights_file = tmp_path / "swe/model.safetensors"
    os.truncate(weights_file, weights_file.stat().st_size - 4)
    with pytest.raises(GrowmergeError, match=r"swe/model\.safetensors: ends too early"):
        merge_models({tmp_path / "m": chosen}, inputs)
    assert not (tmp_path / "m").exists()


def test_weights_are_whole_though_the_system_writes_less_than_it_is_given(tmp_path, monkeypatch):
    """It writes at most 2 GiB at a time."""
    values, write = torch.randn(1000), os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda file, data, start: write(file, data[:300], start))
    with Writer(tmp_path / "weights", {"a": (10, 100)}, torch.float32) as writer:
        writer.write("a", slice(0, 600), values[:600])
        writer.write("a", slice(600, 1000), values[600:])
    assert torch.equal(load_file(tmp_path / "weights")["a"].flatten(), values)


def test_a_tokenizer_whose_file_is_written_otherwise_is_the_same(models, edited, tmp_path):
    members = {"isl": models["isl"], "swe": edited(tokenizer=lambda data: data | {"version": "1.0"})}
    assert (members["isl"] / "tokenizer.json").read_bytes() != (members["swe"] / "tokenizer.json").read_bytes()
    merge_models({tmp_path / "m": recipe(models, members, METHODS["linear"])})


def test_members_of_mixed_dtypes_are_converted_to_that_of_the_merge_first_if_it_is_asked_for(models, edited, tmp_path):
    members = {"isl": models["isl"], "swe": edited(dtype=torch.bfloat16)}
    merge_models({tmp_path / "m": replace(recipe(models, members, METHODS["linear"]), mixed_dtypes=True)})
    merged, one, two = (load_file(f / "model.safetensors") for f in (tmp_path / "m", *members.values()))
    assert all(torch.equal(merged[key], (one[key] + two[key].float()) / 2) for key in one)


def test_a_base_may_be_stored_in_another_dtype_than_what_was_trained_from_it(models, members, edited, tmp_path):
    based = models | {"base": edited(dtype=torch.bfloat16)}
    merge_models({tmp_path / "m": recipe(based, members, METHODS["task_arithmetic"])})
    merged = load_file(tmp_path / "m/model.safetensors")
    base, *others = (load_file(folder / "model.safetensors") for folder in (based["base"], *members.values()))
    for key, tensor in merged.items():
        vectors = [other[key] - base[key].float() for other in others]
        torch.testing.assert_close(tensor, base[key].float() + sum(vectors) / 3, rtol=1e-5, atol=1e-6)


class Trap:
    """Runs code when it is unpickled."""

    def __init__(self, file):
        self.file = file

    def __reduce__(self):
        return Path.touch, (self.file,)


def test_no_code_of_a_model_folder_is_run(models, members, tmp_path):
    sprung = tmp_path / "sprung"
    with publish(tmp_path / "trapped") as draft:
        shutil.copytree(members["swe"], draft.folder, dirs_exist_ok=True)
        (draft.folder / "manifest.json").unlink()
        (draft.folder / "pytorch_model.bin").write_bytes(pickle.dumps(Trap(sprung)))
        for module in ("modeling_llama.py", "tokenization_llama.py", "__init__.py"):
            (draft.folder / module).write_text(f"from pathlib import Path; Path({str(sprung)!r}).touch()")
    merge_models({tmp_path / "m": recipe(models, members | {"swe": tmp_path / "trapped"}, METHODS["linear"])})
    assert not [path for path in (tmp_path / "m").iterdir() if path.suffix in (".py", ".bin")]
    with publish(tmp_path / "pickled") as draft:
        shutil.copytree(tmp_path / "trapped", draft.folder, dirs_exist_ok=True)
        for name in ("manifest.json", "model.safetensors"):
            (draft.folder / name).unlink()
    with pytest.raises(GrowmergeError, match=r"the weights are pickled .* which can run code"):
        merge_models({tmp_path / "n": recipe(models, members | {"swe": tmp_path / "pickled"}, METHODS["linear"])})
    assert not sprung.exists()
    pickle.loads(pickle.dumps(Trap(sprung)))
    assert sprung.exists(), "it would have sprung"


def test_the_command_on_the_card_makes_the_same_weights(models, members, tmp_path):
    merge_models({tmp_path / "m": recipe(models, members, METHODS["task_arithmetic"], dtype="float16")})
    (options,) = re.findall(r"`mergekit-yaml (.*?)`", (tmp_path / "m/README.md").read_text())
    command = Path(sys.executable).with_name("mergekit-yaml")
    subprocess.run([command, tmp_path / "m/mergekit_config.yml", tmp_path / "theirs", *options.split()], check=True)
    assert weights(tmp_path / "theirs") == weights(tmp_path / "m")


def test_the_device_is_part_of_what_a_merge_is(models, members):
    on_cpu = recipe(models, members, METHODS["ties"])
    on_gpu = replace(on_cpu, device="cuda")
    assert on_gpu.digest != on_cpu.digest
    assert (on_cpu.describe()["device"], on_gpu.describe()["device"]) == ("cpu", "cuda")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_without_a_gpu_auto_merges_on_the_cpu_and_cuda_is_refused():
    assert device_for("cpu") == device_for("auto") == "cpu"
    with pytest.raises(GrowmergeError, match=r"merging.device = 'cuda': this job sees no GPU"):
        device_for("cuda")


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("method", [*METHODS.values(), RANDOM], ids=lambda method: method.name)
def test_a_gpu_merges_like_the_cpu(method, models, members, tmp_path):
    on_cpu = recipe(models, members, method)
    assert device_for("auto") == "cuda"
    for name, chosen in (("cpu", on_cpu), ("cuda", replace(on_cpu, device="cuda"))):
        merge_models({tmp_path / name: chosen})
    one, two = (load_file(tmp_path / name / "model.safetensors") for name in ("cpu", "cuda"))
    for key, tensor in one.items() if method is not RANDOM else ():  # what mergekit draws, it draws on the device
        torch.testing.assert_close(tensor, two[key], rtol=1e-5, atol=1e-6)


def test_a_damaged_member_is_refused_before_merging(models, members, tmp_path):
    shutil.copytree(members["swe"], tmp_path / "swe")
    data = bytearray((tmp_path / "swe/model.safetensors").read_bytes())
    data[-1] ^= 1
    (tmp_path / "swe/model.safetensors").write_bytes(data)
    with pytest.raises(GrowmergeError, match=r"swe.model.safetensors: its bytes differ"):
        merge_models({tmp_path / "m": recipe(models, {**members, "swe": tmp_path / "swe"}, METHODS["linear"])})
    assert not (tmp_path / "m").exists()


def test_a_model_in_several_files_is_merged_like_one_in_one(models, members, tmp_path):
    with publish(tmp_path / "sharded") as draft:
        shutil.copytree(members["swe"], draft.folder, dirs_exist_ok=True)
        for name in ("manifest.json", "model.safetensors"):
            (draft.folder / name).unlink()
        held = load_file(members["swe"] / "model.safetensors")
        files = {name: f"model-{1 + i % 2:05}-of-00002.safetensors" for i, name in enumerate(held)}
        for file in set(files.values()):
            save_file({name: held[name] for name in held if files[name] == file}, draft.folder / file)
        (draft.folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": files}))
    for name, swe in (("one", members["swe"]), ("two", tmp_path / "sharded")):
        merge_models({tmp_path / name: recipe(models, members | {"swe": swe}, METHODS["ties"])})
    assert weights(tmp_path / "one") == weights(tmp_path / "two")


@pytest.fixture
def cells(tmp_path):
    found = {}
    for language in ("swe", "isl"):
        with publish(tmp_path / f"benchmarks/{language}") as draft:
            write_items([Item("1", "word_order", ("the cat runs", "cat the runs"))], draft.folder / "items.parquet")
        found["acceptability", language] = tmp_path / f"benchmarks/{language}"
    return found


def test_merges_are_scored_removed_and_not_made_again(models, members, cells, tmp_path, caplog):
    recipes = {name: recipe(models, members, METHODS[name], dtype="float16") for name in ("linear", "ties")}
    scores = {name: tmp_path / "scores" / name for name in recipes}

    def run(cells, names):
        """Returns which methods were merged."""
        with caplog.at_level("INFO", logger="growmerge"):
            caplog.clear()
            chosen = {name: recipes[name] for name in names}
            merge_and_score(chosen, cells=cells, scores=scores, work=tmp_path / "work", tokens_per_batch=512)
        assert not (tmp_path / "work").exists(), "merges are gone"
        return [r.args[1] for r in caplog.records if r.msg.startswith("merging")]

    one = {("acceptability", "swe"): cells["acceptability", "swe"]}
    assert run(one, ["linear"]) == ["linear"]
    assert run(one, recipes) == ["ties"], "a new method merges nothing that is there"
    old = pd.read_parquet(scores["ties"] / "items.parquet")
    (tmp_path / "work/.ties.partial").mkdir(parents=True)  # what a killed job leaves
    assert run(cells, recipes) == ["linear", "ties"], "a new language is scored with merges made again"
    new = pd.read_parquet(scores["ties"] / "items.parquet")
    assert new.groupby("language").size().to_dict() == {"isl": 2, "swe": 2}
    assert new[new.language == "swe"].reset_index(drop=True).equals(old)
    assert run(cells, recipes) == [], "nothing is left to do"
    (scores["linear"] / "items.parquet").write_bytes(b"damaged")
    assert run(cells, recipes) == ["linear"], "damaged scores are made again"
    verify(scores["linear"])


def test_merges_whose_texts_are_generated_already_are_not_made_again(models, members, tmp_path, caplog):
    with publish(tmp_path / "benchmark") as draft:
        write_items([Item("1", "translation", (), "a dog", context="the cat")], draft.folder / "items.parquet")
    recipes = {name: recipe(models, members, METHODS[name]) for name in ("linear", "ties")}
    for names in (["linear"], ["linear", "ties"]):
        caplog.clear()
        with caplog.at_level("INFO", logger="growmerge"):
            merge_and_score(
                {name: recipes[name] for name in names},
                cells={("translation", "swe"): tmp_path / "benchmark"},
                scores={name: tmp_path / "scores" / name for name in recipes},
                work=tmp_path / "work",
                tokens_per_batch=512,
                decoding={"translation": Decoding(3)},
            )
        assert [r.args[1] for r in caplog.records if r.msg.startswith("merging")] == names[-1:]


def test_the_card_has_the_scores_of_the_tables(models, members, tmp_path):
    """Of questions normalised by character, of items without a score, and of running text and translations."""
    chosen = recipe(models, members, METHODS["linear"])
    questions = [(f"q{n}", k, (-10.0, -6.0)[k], (20, 3)[k]) for n in range(20) for k in (0, 1)]  # right by character
    unknown = [("u0", 0, -1.0, 10), ("u0", 1, np.nan, 10), ("u1", 0, -1.0, 10), ("u1", 1, -2.0, 10)]
    running = [("r0", 0, -10 * np.log(2), 10), ("r1", 0, -30 * np.log(2), 10)]
    rows = pd.DataFrame(
        [
            (benchmark, "swe", item, "", candidate, logprob, 2, characters, 16, 0)
            for benchmark, part in (("questions", questions), ("unknown", unknown), ("running", running))
            for item, candidate, logprob, characters in part
        ],
        columns=[*SCORE_COLUMNS, "tokens", "characters", "bytes", "cut"],
    )
    written = count(["a cat sees", "the dog"], ["a cat sees you", "the sun"])
    translations = pd.DataFrame({"benchmark": "translation", "language": "swe", "item": ["a", "b"]})
    translations = translations.assign(counts=list(written), ended=True, lost_examples=0)
    folder = tmp_path / "scores"
    folder.mkdir()
    names = ("questions", "unknown", "running", "translation")
    results = harness_results(
        rows,
        translations,
        model_name="merge",
        configs={(name, "swe"): {"dataset_path": name, "dataset_name": "swe"} for name in names},
        few_shot={},
        versions={(name, "swe"): 1 for name in names},
        seconds=1.0,
    )
    (folder / "results.json").write_text(json.dumps(results, allow_nan=False))
    write_manifest(
        folder / "manifest.json", ["results.json"], inputs=[], config=None, facts={"model": chosen.digest}, seconds=0.0
    )
    text = card(chosen, folder)

    measured = {"questions": ("questions", "character")}
    model = Model("m", "merge", (), 1, "2x", "swe", "linear", ("swe",))
    reference = pd.DataFrame(columns=list(SCORE_COLUMNS))
    compared = rows[rows["benchmark"] != "running"]
    table = summarise({"m": compared}, [model], reference, 50, 0, "mean_of_ratios", measured, {"m": translations})
    value = table[table["subset"] == "all"].set_index("measure")["value"]
    assert value["questions"] == 1.0
    assert "| benchmark | language | summed | per token | per character | items |" in text
    assert "| questions | swe | 0.0% | 0.0% | 100.0% | 20 |" in text
    assert np.isnan(value["unknown"])
    assert "| unknown | swe | N/A | N/A | N/A | 2 |" in text
    assert f"| translation | swe | {value['translation']:.1f} chrf++ | 2 |" in text
    assert "| running | swe | 1.250 bits per byte | 2 |" in text


def test_a_merge_that_a_killed_job_left_is_not_scored(models, members, cells, tmp_path):
    """It may be of members that were trained again since."""

    def score(name):
        merge_and_score(
            {"ties": recipe(models, members, METHODS["ties"])}, cells=cells, scores={"ties": tmp_path / name},
            work=tmp_path / "work", tokens_per_batch=512,
        )  # fmt: skip
        return pd.read_parquet(tmp_path / name / "items.parquet")

    fresh = score("fresh")
    merge_models({tmp_path / "work/ties": recipe(models, {"swe": models["swe"]}, METHODS["linear"])})
    pd.testing.assert_frame_equal(score("again"), fresh)
    assert not (tmp_path / "work").exists()


def test_a_kept_merge_that_is_damaged_is_not_scored(models, members, cells, tmp_path):
    chosen = recipe(models, members, METHODS["linear"])
    kept = tmp_path / "kept"
    merge_models({kept: chosen})
    data = bytearray((kept / "model.safetensors").read_bytes())
    data[-1] ^= 1
    (kept / "model.safetensors").write_bytes(data)
    with pytest.raises(GrowmergeError, match=r"kept/model\.safetensors: its bytes differ"):
        merge_and_score(
            {"linear": chosen}, cells=cells, scores={"linear": tmp_path / "s"}, work=tmp_path / "work",
            tokens_per_batch=512, kept={"linear": kept},
        )  # fmt: skip


def test_what_fails_leaves_no_merge_behind(models, members, cells, edited, tmp_path):
    infinite = members | {"swe": edited({NORM: torch.full((32,), torch.inf)})}
    recipes = {"linear": recipe(models, infinite, METHODS["linear"])}
    with pytest.raises(GrowmergeError, match="not finite"):
        merge_and_score(
            recipes, cells=cells, scores={"linear": tmp_path / "s"}, work=tmp_path / "work", tokens_per_batch=512
        )
    assert not (tmp_path / "work").exists()


def test_a_kept_merge_has_its_scores_in_its_card_and_is_the_bytes_that_the_scoring_job_made(
    models, members, cells, tmp_path, monkeypatch
):
    chosen = recipe(models, members, METHODS["dare_ties"], dtype="float16")
    kept, scores = tmp_path / "kept", tmp_path / "scores"
    merge_models({kept: chosen})
    before = verify(kept).digest
    merge_and_score(
        {"dare_ties": chosen}, cells=cells, scores={"dare_ties": scores}, work=tmp_path / "work", tokens_per_batch=512,
        kept={"dare_ties": kept},
    )  # fmt: skip
    assert "| acceptability | swe |" in (kept / "README.md").read_text()
    assert verify(kept).digest == before, "the card is a note"
    of_kept = pd.read_parquet(scores / "items.parquet")

    shutil.rmtree(scores)
    merge_and_score(
        {name: recipe(models, members, m, dtype="float16") for name, m in METHODS.items()},
        cells=cells, scores={name: tmp_path / "all" / name for name in METHODS}, work=tmp_path / "work",
        tokens_per_batch=512,
    )  # fmt: skip
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "all/dare_ties/items.parquet"), of_kept)
    write_card(kept, chosen, tmp_path / "all/dare_ties")
    assert "## Scores" in (kept / "README.md").read_text()
    assert "Scores" not in card(chosen, tmp_path / "all/ties"), "those of another merge are not its own"


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_a_merge_scored_from_memory_gets_the_bytes_of_the_written_checkpoint(
    models, members, cells, tmp_path, dtype, threads
):
    """By the paper's methods, ours without statistics, one of mergekit's that draws, and one with rows."""
    counts = {}
    for seed, code in enumerate(members):
        with publish(tmp_path / "counts" / code) as draft:
            np.save(draft.folder / COUNTS, np.random.default_rng(seed).integers(0, 9, VOCABULARY))
        counts[code] = tmp_path / "counts" / code
    rows = Method(name="rows", method="linear", parameters={"weight": 1.0}, embedding=EmbeddingMethod(method="rows"))
    own = [Method(name=name) for name, m in merge_methods().items() if m.source and not m.kind.statistics]
    assert [method.name for method in own] == ["iso_c"]
    recipes = {
        method.name: replace(recipe(models, members, method, dtype=dtype), statistics={"token_counts": counts})
        for method in (*METHODS.values(), *own, RANDOM, rows)
    }
    written = {name: tmp_path / "written" / name for name in recipes}

    def digests(folder, kept=None):
        scores = {name: folder / name for name in recipes}
        merge_and_score(recipes, cells=cells, scores=scores, work=tmp_path / "work", tokens_per_batch=512, kept=kept)
        return {name: verify(folder / name).digest for name in recipes}

    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        merge_models({written[name]: merge for name, merge in recipes.items()})
        found = digests(tmp_path / "from memory")
        assert found == digests(tmp_path / "from disk", kept=written)
    finally:
        torch.set_num_threads(before)
    assert len(set(found.values())) > 5, "scores of another merge are other bytes"
