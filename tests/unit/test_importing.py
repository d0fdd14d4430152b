"""Checkpoints from elsewhere compute what they computed there, and nothing that comes with them is ever run."""

import json
import pickle
from pathlib import Path

import pytest
import torch
from hub_server import COMMIT, Hub, run_with_hub
from random_llama import random_llama
from safetensors.torch import load_file, save_file
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    Gemma3ForCausalLM,
    Gemma3TextConfig,
    LlamaConfig,
    LlamaForCausalLM,
    Qwen3Config,
    Qwen3ForCausalLM,
)

from growmerge.config.references import Reference, parse_reference
from growmerge.data.tokenizer import load_tokenizer
from growmerge.errors import GrowmergeError
from growmerge.models.checkpoints import load_checkpoint
from growmerge.models.external import load_model
from growmerge.models.importing import import_checkpoint, import_external

VOCABULARY = 320  # of the tokenizer of `tiny`
TOKENS = torch.tensor([[1, 5, 9, 30, 2, 2, 17, 300]])
# As transformers wrote the configurations of liu-nlp's nanotron fork (examples/llama/hyper_llama there).
HYPERLLAMA = {
    "architectures": ["HyperLlamaForCausalLM"],
    "attention_bias": False,
    "attention_dropout": 0.0,
    "auto_map": {
        "AutoConfig": "configuration_hyperllama.HyperLlamaConfig",
        "AutoModelForCausalLM": "modeling_hyperllama.HyperLlamaForCausalLM",
    },
    "bos_token_id": 0,
    "eos_token_id": 0,
    "head_dim": 8,
    "hidden_act": "gelu",
    "hidden_size": 32,
    "initializer_range": 0.02,
    "intermediate_size": 48,
    "lm_head_normalization_factor": 2,
    "max_position_embeddings": 64,
    "mlp_bias": False,
    "model_type": "hyperllama",
    "num_attention_heads": 4,
    "num_hidden_layers": 2,
    "num_key_value_heads": 2,
    "pretraining_tp": 1,
    "rms_norm_eps": 1e-05,
    "rope_scaling": None,
    "rope_theta": 5000.0,
    "tie_word_embeddings": True,
    "torch_dtype": "bfloat16",
    "transformers_version": "4.51.3",
    "use_cache": True,
    "vocab_size": VOCABULARY,
}


def make_llama(*, tied: bool = True) -> LlamaForCausalLM:
    """What `HYPERLLAMA` describes, as a plain Llama."""
    rope = {"rope_type": "default", "rope_theta": 5000.0}
    shape = {"vocab_size": VOCABULARY, "rms_norm_eps": 1e-5, "hidden_act": "gelu", "rope_parameters": rope}
    return random_llama(11, 0.3, **shape, tie_word_embeddings=tied)


@pytest.fixture
def hyperllama(tiny, tmp_path: Path) -> tuple[Path, LlamaForCausalLM]:
    """A folder in the layout of the published checkpoints, written by hand, and the Llama whose weights it holds."""
    model = make_llama()
    folder = tmp_path / "HyperLlama með bilum"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(HYPERLLAMA, indent=2))
    tensors = {name: t for name, t in model.state_dict().items() if name != "lm_head.weight"}
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (folder / name).write_bytes((tiny.folder / "tokenizer" / name).read_bytes())
    for name in ("modeling_hyperllama", "configuration_hyperllama"):
        (folder / f"{name}.py").write_text(f"open({str(tmp_path / 'executed')!r}, 'w')\n")
    (folder / "README.md").write_text("---\nlicense: apache-2.0\nlanguage: [sv]\n---\n# A model\n")
    return folder, model


def change_config(folder: Path, **values: object) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def imported(folder: Path, target: Path) -> dict[str, object]:
    return import_checkpoint(Reference("folder", str(folder)), target)


@torch.no_grad()
def scaled_logits(model: LlamaForCausalLM, factor: float) -> torch.Tensor:
    """What HyperLlama's head makes of the hidden states of a plain Llama."""
    hidden = model.model(TOKENS).last_hidden_state
    return hidden @ (model.model.embed_tokens.weight / factor).T


@torch.no_grad()
def logits(model: torch.nn.Module) -> torch.Tensor:
    return model(TOKENS).logits


def test_a_hyperllama_becomes_a_plain_llama_with_the_same_logits(hyperllama, tmp_path: Path):
    folder, model = hyperllama
    facts = imported(folder, tmp_path / "out")
    stock = AutoModelForCausalLM.from_pretrained(tmp_path / "out")
    assert type(stock) is LlamaForCausalLM
    for loaded in (stock, load_checkpoint(tmp_path / "out")):
        torch.testing.assert_close(logits(loaded), scaled_logits(model, 2), rtol=1e-6, atol=1e-6)
    assert not torch.allclose(logits(stock), logits(model), atol=0.1), "or the factor would not matter"
    assert facts["source"] == f"folder:{folder}"
    assert facts["licence"] == "apache-2.0"
    assert facts["head_factor"] == 2
    assert facts["parameters"] == sum(p.numel() for p in model.parameters())


def test_nothing_but_the_model_and_its_tokenizer_arrives_and_no_code_runs(hyperllama, tmp_path: Path):
    folder, _ = hyperllama
    (folder / "pytorch_model.bin").write_bytes(pickle.dumps({}))
    imported(folder, tmp_path / "out")
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "config.json",
        "generation_config.json",
        "model.safetensors",
        "tokenizer.json",
        "tokenizer_config.json",
    }
    config = json.loads((tmp_path / "out" / "config.json").read_text())
    assert config["model_type"] == "llama"
    assert config["architectures"] == ["LlamaForCausalLM"]
    assert not {"auto_map", "lm_head_normalization_factor"} & config.keys()
    assert AutoTokenizer.from_pretrained(tmp_path / "out")("the cat öl")["input_ids"]
    assert not (tmp_path / "executed").exists()


@pytest.mark.parametrize("factor", [3, 1.5])
def test_factors_that_are_no_power_of_two_are_exact_up_to_rounding(hyperllama, tmp_path: Path, factor: float):
    folder, model = hyperllama
    change_config(folder, lm_head_normalization_factor=factor)
    imported(folder, tmp_path / "out")
    loaded = load_checkpoint(tmp_path / "out")
    torch.testing.assert_close(logits(loaded), scaled_logits(model, factor), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32])
def test_weights_keep_their_dtype_and_all_but_the_final_norm_their_bits(hyperllama, tmp_path: Path, dtype):
    folder, _ = hyperllama
    before = {name: tensor.to(dtype) for name, tensor in load_file(folder / "model.safetensors").items()}
    save_file(before, folder / "model.safetensors", metadata={"format": "pt"})
    imported(folder, tmp_path / "out")
    after = load_file(tmp_path / "out" / "model.safetensors")
    assert after.keys() == before.keys()
    for name, tensor in before.items():
        expected = tensor / 2 if name == "model.norm.weight" else tensor
        assert after[name].dtype == dtype
        assert torch.equal(after[name], expected), name


def test_shards_and_a_second_copy_of_the_tied_head_are_read(hyperllama, tmp_path: Path):
    folder, model = hyperllama
    tensors = load_file(folder / "model.safetensors")
    tensors["lm_head.weight"] = tensors["model.embed_tokens.weight"].clone()
    (folder / "model.safetensors").unlink()
    names = sorted(tensors)
    weight_map = {}
    for number, part in enumerate((names[:7], names[7:]), start=1):
        shard = f"model-0000{number}-of-00002.safetensors"
        save_file({name: tensors[name] for name in part}, folder / shard, metadata={"format": "pt"})
        weight_map |= dict.fromkeys(part, shard)
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": weight_map}))
    imported(folder, tmp_path / "out")
    torch.testing.assert_close(logits(load_checkpoint(tmp_path / "out")), scaled_logits(model, 2), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("factor", [{}, {"lm_head_normalization_factor": 1}])
def test_a_plain_llama_stays_as_it_is(hyperllama, tmp_path: Path, tied: bool, factor: dict[str, int]):
    folder, _ = hyperllama
    model = make_llama(tied=tied)
    model.save_pretrained(folder)
    change_config(folder, **factor)
    imported(folder, tmp_path / "out")
    assert torch.equal(logits(load_checkpoint(tmp_path / "out")), logits(model))
    before, after = (load_file(place / "model.safetensors") for place in (folder, tmp_path / "out"))
    assert after.keys() == before.keys()
    assert all(torch.equal(after[name], before[name]) for name in before)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"attention_scale": 0.5}, "attention_scale: unknown to a hyperllama"),
        ({"embedding_multiplier": 12, "a_key": 1}, "a_key, embedding_multiplier: unknown"),
        ({"lm_head_normalization_factor": 0}, "lm_head_normalization_factor = 0"),
        ({"lm_head_normalization_factor": -2}, "must be a positive number"),
        ({"lm_head_normalization_factor": "2"}, "lm_head_normalization_factor = '2'"),
        ({"model_type": "llama"}, "auto_map asks for remote code"),
        ({"model_type": "gpt2"}, "auto_map asks for remote code"),
        ({"quantization_config": {"quant_method": "gptq"}}, "quantization_config"),
        ({"num_hidden_layers": 3}, "lack tensor"),
        ({"hidden_size": 64}, "has shape"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_cannot_become_a_plain_llama_is_refused_by_name(hyperllama, tmp_path: Path, values, message):
    folder, _ = hyperllama
    change_config(folder, **values)
    with pytest.raises(GrowmergeError, match=message) as error:
        imported(folder, tmp_path / "out")
    assert str(folder) in str(error.value)
    assert not (tmp_path / "executed").exists()


def edit_tensors(folder: Path, edit) -> None:
    """Write the weights of `folder` again as `edit` returns them."""
    save_file(edit(load_file(folder / "model.safetensors")), folder / "model.safetensors", metadata={"format": "pt"})


def test_rotary_frequencies_of_an_old_checkpoint_are_passed_over_and_no_other_buffer(hyperllama, tmp_path: Path):
    folder, model = hyperllama
    names = [f"model.layers.{layer}.self_attn.rotary_emb.inv_freq" for layer in range(2)]
    edit_tensors(folder, lambda tensors: tensors | {name: torch.ones(4) for name in names})
    imported(folder, tmp_path / "out")
    assert not set(names) & load_file(tmp_path / "out" / "model.safetensors").keys()
    torch.testing.assert_close(logits(load_checkpoint(tmp_path / "out")), scaled_logits(model, 2), rtol=1e-6, atol=1e-6)
    other = "model.layers.0.self_attn.rotary_emb.inv_freqs"
    edit_tensors(folder, lambda tensors: tensors | {other: torch.ones(4)})
    with pytest.raises(GrowmergeError, match=f"unexpected tensor {other}: the model of config.json has none"):
        imported(folder, tmp_path / "again")


@pytest.mark.parametrize(
    ("prefix", "wrappers"),
    [
        ("_orig_mod.", "torch.compile"),
        ("module.", r"DistributedDataParallel \(or DataParallel\)"),
        ("module._orig_mod.", r"DistributedDataParallel \(or DataParallel\) and torch.compile"),
    ],
)
def test_a_model_that_was_saved_within_a_wrapper_is_refused_with_what_to_strip(
    hyperllama, tmp_path: Path, prefix: str, wrappers: str
):
    folder, _ = hyperllama
    edit_tensors(folder, lambda tensors: {prefix + name: tensor for name, tensor in tensors.items()})
    with pytest.raises(
        GrowmergeError, match=f"saved within {wrappers}; strip '{prefix}' from the names of all tensors"
    ):
        imported(folder, tmp_path / "out")


@pytest.mark.parametrize("take", [import_checkpoint, import_external])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_weights_that_are_not_finite_are_refused_by_name(tiny, tmp_path: Path, take, dtype, value: float):
    folder, name = save_external(tiny, tmp_path / "llama", make_llama()), "model.layers.1.mlp.up_proj.weight"

    def spoil(tensors):
        tensors = {name: tensor.to(dtype) for name, tensor in tensors.items()}
        tensors[name][3, 5] = value
        return tensors

    edit_tensors(folder, spoil)
    with pytest.raises(GrowmergeError, match=f"llama.*: tensor {name} has values that are not finite"):
        take(Reference("folder", str(folder)), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_norm_that_overflows_when_it_is_divided_by_the_factor_is_refused(hyperllama, tmp_path: Path):
    folder, _ = hyperllama
    change_config(folder, lm_head_normalization_factor=1e-6)
    edit_tensors(folder, lambda tensors: {name: tensor.half() for name, tensor in tensors.items()})
    with pytest.raises(GrowmergeError, match=r"tensor model\.norm\.weight has values that are not finite"):
        imported(folder, tmp_path / "out")


def test_an_unknown_key_without_a_value_is_accepted(hyperllama, tmp_path: Path):
    folder, _ = hyperllama
    change_config(folder, rope_kind=None)
    imported(folder, tmp_path / "out")


def test_another_architecture_is_refused_in_the_place_of_a_llama(tiny, tmp_path: Path):
    folder = save_external(tiny, tmp_path / "qwen", Qwen3ForCausalLM(Qwen3Config(**SMALL)))
    with pytest.raises(GrowmergeError, match="model_type is 'qwen3'; only 'llama'"):
        imported(folder, tmp_path / "out")


class Bomb:
    """Unpickling it creates a file."""

    def __init__(self, target: Path):
        self.target = target

    def __reduce__(self):
        return (Path.touch, (self.target,))


@pytest.mark.parametrize("take", [import_checkpoint, import_external])
def test_pickled_weights_are_refused_unread(hyperllama, tmp_path: Path, take):
    folder, _ = hyperllama
    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(pickle.dumps(Bomb(tmp_path / "executed")))
    change_config(folder, model_type="llama")
    config = json.loads((folder / "config.json").read_text())
    del config["auto_map"]
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(GrowmergeError, match=r"pickled .pytorch_model\.bin"):
        take(Reference("folder", str(folder)), tmp_path / "out")
    assert not (tmp_path / "executed").exists()


@pytest.mark.parametrize("take", [import_checkpoint, import_external])
@pytest.mark.parametrize("missing", ["config.json", "tokenizer.json", "model.safetensors"])
def test_an_incomplete_folder_is_refused_by_what_is_missing(tiny, tmp_path: Path, take, missing: str):
    folder = tmp_path / "folder"
    folder.mkdir()
    for path in tiny.checkpoint("whole", seed=1).iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    (folder / missing).unlink()
    with pytest.raises(GrowmergeError, match=missing):
        take(Reference("folder", str(folder)), tmp_path / "out")


def test_a_folder_that_is_not_there_is_named(tmp_path: Path):
    with pytest.raises(GrowmergeError, match="folder:nowhere: no such folder"):
        imported(Path("nowhere"), tmp_path / "out")


@pytest.mark.parametrize("card", ["licence: [a: b: c\n\t- x", "- a\n- b", "licence: \x00", "[1, 2"])
def test_a_card_whose_metadata_are_no_yaml_costs_the_licence_alone(hyperllama, tmp_path: Path, card: str):
    folder, _ = hyperllama
    (folder / "README.md").write_text(f"---\n{card}\n---\n# A model\n")
    assert imported(folder, tmp_path / "out")["licence"] is None


@pytest.mark.parametrize("take", [import_checkpoint, import_external])
@pytest.mark.parametrize("content", ["{}", "[]", "not JSON", ""])
def test_a_tokenizer_that_is_none_is_one_line(tiny, tmp_path: Path, take, content: str):
    folder = save_external(tiny, tmp_path / "llama", make_llama())
    (folder / "tokenizer.json").write_text(content)
    for read in (lambda: take(Reference("folder", str(folder)), tmp_path / "out"), lambda: load_tokenizer(folder)):
        with pytest.raises(GrowmergeError, match=r"llama/tokenizer.json: cannot be read .*download it again") as error:
            read()
        assert "\n" not in str(error.value)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("take", [import_checkpoint, import_external])
@pytest.mark.parametrize("name", ["model.safetensors", "tokenizer_config.json", "chat_template.jinja", "README.md"])
def test_a_link_to_outside_of_a_folder_is_not_followed(tiny, tmp_path: Path, take, name: str):
    folder = save_external(tiny, tmp_path / "llama", make_llama())
    (tmp_path / "secret").write_bytes((folder / name).read_bytes() if (folder / name).exists() else b"secret")
    (folder / name).unlink(missing_ok=True)
    (folder / name).symlink_to("../secret")
    with pytest.raises(GrowmergeError, match=rf"llama/{name}: is a link to {tmp_path}/secret, outside of its folder"):
        take(Reference("folder", str(folder)), tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("take", [import_checkpoint, import_external])
def test_links_within_a_folder_and_those_of_the_hubs_cache_are_followed(tiny, tmp_path: Path, take):
    cache = tmp_path / "models--a--b"
    folder = save_external(tiny, cache / "snapshots/0123abcd", make_llama())
    (cache / "blobs").mkdir()
    for path in sorted(folder.iterdir()):
        path.rename(cache / "blobs" / path.name)
        path.symlink_to(f"../../blobs/{path.name}")
    (folder / "chat_template.jinja").symlink_to("config.json")
    (tmp_path / "link").symlink_to(folder)
    for number, place in enumerate((folder, tmp_path / "link")):
        out = tmp_path / f"out{number}"
        take(Reference("folder", str(place)), out)
        assert not any(path.is_symlink() for path in out.iterdir())
        assert torch.equal(logits(load_checkpoint(out)), logits(load_checkpoint(folder)))


# --- models that are only scored ------------------------------------------------------------------------------------

SMALL = {
    "vocab_size": VOCABULARY,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "max_position_embeddings": 64,
    "initializer_range": 0.3,
}


def save_external(tiny, folder: Path, model: torch.nn.Module) -> Path:
    model.save_pretrained(folder)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (folder / name).write_bytes((tiny.folder / "tokenizer" / name).read_bytes())
    return folder


@pytest.mark.parametrize(
    "model",
    [
        Gemma3ForCausalLM(Gemma3TextConfig(**SMALL, sliding_window=4, layer_types=["sliding_attention"] * 2)),
        Qwen3ForCausalLM(Qwen3Config(**SMALL, tie_word_embeddings=True)),
        LlamaForCausalLM(LlamaConfig(**SMALL)),
    ],
    ids=["Gemma 3", "Qwen 3", "Llama"],
)
def test_a_model_of_another_architecture_is_taken_as_it_is(tiny, tmp_path: Path, model):
    source = save_external(tiny, tmp_path / "source", model.eval())
    (source / "modeling_evil.py").write_text("raise SystemExit")
    import_external(Reference("folder", str(source)), tmp_path / "out")
    loaded = load_model(tmp_path / "out")
    assert type(loaded) is type(model)
    assert not loaded.training
    assert torch.equal(logits(loaded), logits(model))
    names = {path.name for path in source.iterdir()} - {"modeling_evil.py"}
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == {
        name: (source / name).read_bytes() for name in names
    }


@pytest.fixture
def gemma(tiny, tmp_path: Path) -> Path:
    return save_external(tiny, tmp_path / "gemma", Gemma3ForCausalLM(Gemma3TextConfig(**SMALL)))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"auto_map": {"AutoModelForCausalLM": "modeling_evil.Evil"}}, "auto_map asks for remote code"),
        ({"quantization_config": {"quant_method": "gptq"}}, "quantization_config"),
    ],
)
def test_external_models_with_code_or_quantized_weights_are_refused(gemma: Path, tmp_path: Path, values, message):
    change_config(gemma, **values)
    with pytest.raises(GrowmergeError, match=message):
        import_external(Reference("folder", str(gemma)), tmp_path / "out")
    with pytest.raises(GrowmergeError, match=message):
        load_model(gemma)


def test_a_weight_that_transformers_would_draw_at_random_is_missed(gemma: Path):
    tensors = load_file(gemma / "model.safetensors")
    del tensors["model.layers.1.mlp.up_proj.weight"]
    save_file(tensors, gemma / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(GrowmergeError, match=r"Gemma3ForCausalLM: missing keys: model\.layers\.1\.mlp\.up_proj"):
        load_model(gemma)


def test_weights_of_another_shape_or_kind_are_refused(gemma: Path):
    change_config(gemma, num_hidden_layers=1, layer_types=["full_attention"])
    with pytest.raises(GrowmergeError, match="unexpected keys"):
        load_model(gemma)
    change_config(gemma, intermediate_size=64)
    with pytest.raises(GrowmergeError, match="gemma"):
        load_model(gemma)


@pytest.mark.parametrize("values", [{"model_type": "no_such_model"}, {"hidden_size": "wide"}])
def test_a_configuration_that_transformers_cannot_read_is_one_line(gemma: Path, values):
    change_config(gemma, **values)
    with pytest.raises(GrowmergeError, match="cannot be loaded") as error:
        load_model(gemma)
    assert "\n" not in str(error.value)


def test_a_truncated_external_file_is_refused(gemma: Path):
    weights = gemma / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    with pytest.raises(GrowmergeError, match="cannot be loaded"):
        load_model(gemma)


def test_an_attention_kernel_named_by_the_folder_is_not_fetched(gemma: Path):
    change_config(gemma, attn_implementation="some-hub-user/kernel")
    assert load_model(gemma).config._attn_implementation == "sdpa"


def test_a_tokenizer_without_a_beginning_token_begins_with_the_end_of_a_document(gemma: Path):
    settings = json.loads((gemma / "tokenizer_config.json").read_text())
    (gemma / "tokenizer_config.json").write_text(json.dumps(settings | {"bos_token": None}))
    tokenizer, begin, end = load_tokenizer(gemma)
    assert begin == end == tokenizer.token_to_id("<|endoftext|>")


# --- the hub --------------------------------------------------------------------------------------------------------


IMPORT = (
    "import json; from pathlib import Path; from growmerge.config.references import parse_reference; "
    "from growmerge.models.importing import import_checkpoint; "
    "print(json.dumps(import_checkpoint(parse_reference({reference!r}), Path({target!r}))))"
)
DOWNLOAD = "from growmerge.hub import download; print(download({repository!r}, {revision!r}, ['*.json']))"


def test_a_repository_of_the_hub_is_imported_with_its_commit_and_licence_and_no_code_is_fetched(
    hyperllama, tmp_path: Path
):
    folder, model = hyperllama
    (folder / "onnx").mkdir()
    for other in ("pytorch_model.bin", "consolidated.safetensors", "onnx/model.safetensors"):
        (folder / other).write_text("of no use here")
    with Hub({"liu-nlp/HyperLlama": folder}) as hub:
        program = IMPORT.format(reference="hub:liu-nlp/HyperLlama", target=str(tmp_path / "out"))
        facts = json.loads(run_with_hub(program, hub.url, tmp_path / "cache"))
    assert facts["source"] == "hub:liu-nlp/HyperLlama"
    assert facts["commit"] == COMMIT
    assert facts["licence"] == "apache-2.0"
    wanted = ["README.md", "config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"]
    assert sorted(hub.fetched) == wanted
    torch.testing.assert_close(logits(load_checkpoint(tmp_path / "out")), scaled_logits(model, 2), rtol=1e-6, atol=1e-6)


def test_what_was_fetched_once_is_found_without_a_network(hyperllama, tmp_path: Path):
    program = DOWNLOAD.format(repository="a/model", revision=None)
    with Hub({"a/model": hyperllama[0]}) as hub:
        first = run_with_hub(program, hub.url, tmp_path / "cache")
    assert Path(first).name == COMMIT
    assert run_with_hub(program, hub.url, tmp_path / "cache") == first
    assert run_with_hub(program, hub.url, tmp_path / "cache", HF_HUB_OFFLINE="1") == first


@pytest.mark.parametrize(
    ("repository", "revision", "variables", "message"),
    [
        (
            "a/gated",
            None,
            {},
            "a/gated: is gated: accept its licence on https://huggingface.co/a/gated and run `hf auth",
        ),
        ("a/nothing", None, {}, "a/nothing: the hub has no such repository, or it is private"),
        ("a/model", "v2", {}, "a/model: has no revision 'v2'"),
        ("a/model", None, {"HF_HUB_OFFLINE": "1"}, "HF_HUB_OFFLINE"),
        ("a/model", None, {"HF_ENDPOINT": "http://127.0.0.1:9"}, "check the network"),
        ("/models/a/b", None, {}, "is neither a folder nor a repository"),
    ],
)
def test_what_the_hub_refuses_is_one_line_that_says_what_to_do(
    hyperllama, tmp_path: Path, repository, revision, variables, message
):
    folder, _ = hyperllama
    with Hub({"a/model": folder, "a/gated": folder}, gated={"a/gated"}) as hub:
        program = DOWNLOAD.format(repository=repository, revision=revision)
        said = run_with_hub(program, hub.url, tmp_path / "cache", **variables)
    assert message in said
    assert "\n" not in said


# --- references -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "reference"),
    [
        ("hub:liu-nlp/HyperLlama-572M-swedish-2x", Reference("hub", "liu-nlp/HyperLlama-572M-swedish-2x")),
        ("hub:a/b.c@v1.0", Reference("hub", "a/b.c", "v1.0")),
        ("hub:a/b@refs/pr/1", Reference("hub", "a/b", "refs/pr/1")),
        ("folder:models/my model@2", Reference("folder", "models/my model@2")),
        ("folder:/data/módel", Reference("folder", "/data/módel")),
    ],
)
def test_references_name_a_repository_or_a_folder(text: str, reference: Reference):
    assert parse_reference(text) == reference


def test_the_files_of_a_folder_are_known_so_that_their_edits_count(gemma: Path):
    names = ["config.json", "generation_config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"]
    assert Reference("folder", str(gemma)).files() == [str(gemma / name) for name in names]
    assert Reference("folder", "nowhere").files() == Reference("hub", "a/b").files() == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("liu-nlp/HyperLlama", "is not a checkpoint; write 'hub:owner/name'"),
        ("hub", "is not a checkpoint"),
        ("folder:", "is not a checkpoint"),
        ("https://huggingface.co/a/b", "is not a checkpoint"),
        ("hub:HyperLlama", "'HyperLlama' is not a repository of the hub, which is 'owner/name'"),
        ("hub:a/b/c", "'a/b/c' is not a repository"),
        ("hub:a/b@", "the revision after @ is missing"),
        ("hub:a/b@v 1", "the revision after @ is missing"),
    ],
)
def test_a_reference_that_names_nothing_is_refused(text: str, message: str):
    with pytest.raises(GrowmergeError, match=message):
        parse_reference(text)
