"""A model folder loads exactly or is refused by name; nothing in it is ever executed."""

import json
import pickle
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaConfig, LlamaForCausalLM

from growmerge.errors import GrowmergeError
from growmerge.models.checkpoints import load_checkpoint, parameter_count, save_checkpoint

TOKENS = torch.tensor([[1, 5, 9, 30, 2, 2, 17]])


def tiny(*, tied: bool = True) -> LlamaForCausalLM:
    config = LlamaConfig(
        vocab_size=32,
        hidden_size=16,
        intermediate_size=24,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        tie_word_embeddings=tied,
        rope_parameters={"rope_type": "default", "rope_theta": 5000.0},
        hidden_act="gelu",
    )
    return LlamaForCausalLM(config).eval()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "módell með bilum"
    save_checkpoint(tiny(), path, None)
    return path


def change_config(folder: Path, **values: object) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def change_weights(folder: Path, change: Callable[[dict[str, torch.Tensor]], object]) -> None:
    tensors = load_file(folder / "model.safetensors")
    change(tensors)
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})


@torch.no_grad()
def logits(model: LlamaForCausalLM) -> torch.Tensor:
    return model(TOKENS).logits


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_saved_and_loaded_is_the_same_model_to_the_bit(tmp_path: Path, tied, dtype):
    model = tiny(tied=tied).to(dtype)
    save_checkpoint(model, tmp_path / "m", None)
    stock = AutoModelForCausalLM.from_pretrained(tmp_path / "m", dtype=dtype)
    ours = load_checkpoint(tmp_path / "m", dtype)
    assert type(stock) is type(ours) is LlamaForCausalLM
    assert ours.dtype == dtype
    assert not ours.training
    assert (ours.lm_head.weight is ours.model.embed_tokens.weight) == tied
    assert torch.equal(logits(ours), logits(model))
    assert torch.equal(logits(stock), logits(model))
    assert all(parameter.requires_grad for parameter in ours.parameters())


def test_loading_converts_the_dtype_and_leaves_the_random_state_alone(folder: Path):
    state = torch.get_rng_state()
    assert load_checkpoint(folder, torch.bfloat16).dtype == torch.bfloat16
    assert torch.equal(state, torch.get_rng_state())


def test_a_loaded_model_does_not_depend_on_its_file(folder: Path):
    model = load_checkpoint(folder)
    before = logits(model)
    weights = folder / "model.safetensors"
    with weights.open("r+b") as file:
        file.seek(1000)
        file.write(b"\0" * (weights.stat().st_size - 1000))
    assert torch.equal(logits(model), before)


def test_a_tied_head_counts_once():
    assert parameter_count(tiny(tied=False)) - parameter_count(tiny()) == 32 * 16


def test_the_tokenizer_is_copied(tmp_path: Path):
    tokenizer = tmp_path / "tokenizer"
    tokenizer.mkdir()
    Tokenizer(WordLevel({"ein": 0, "tvær": 1}, unk_token="ein")).save(str(tokenizer / "tokenizer.json"))
    (tokenizer / "tokenizer_config.json").write_text('{"tokenizer_class": "PreTrainedTokenizerFast"}')
    (tokenizer / "manifest.json").write_text("{}")
    save_checkpoint(tiny(), tmp_path / "m", tokenizer)
    assert AutoTokenizer.from_pretrained(tmp_path / "m").encode("tvær") == [1]
    assert not (tmp_path / "m" / "manifest.json").exists()


def test_a_folder_without_a_tokenizer_is_refused_before_anything_is_written(tmp_path: Path):
    with pytest.raises(GrowmergeError, match=r"tokenizer\.json"):
        save_checkpoint(tiny(), tmp_path / "m", tmp_path)
    assert not (tmp_path / "m").exists()


def test_shards_are_read(folder: Path):
    before = logits(load_checkpoint(folder))
    split(folder)
    assert torch.equal(logits(load_checkpoint(folder)), before)


def split(folder: Path) -> None:
    weights = folder / "model.safetensors"
    tensors = load_file(weights)
    weights.unlink()
    shards = {
        "model-00001-of-00002.safetensors": sorted(tensors)[:5],
        "model-00002-of-00002.safetensors": sorted(tensors)[5:],
    }
    for shard, names in shards.items():
        save_file({name: tensors[name] for name in names}, folder / shard, metadata={"format": "pt"})
    weight_map = {name: shard for shard, names in shards.items() for name in names}
    (folder / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": weight_map}))


def test_a_missing_shard_is_named(folder: Path):
    split(folder)
    (folder / "model-00002-of-00002.safetensors").unlink()
    with pytest.raises(GrowmergeError, match=r"model-00002-of-00002\.safetensors"):
        load_checkpoint(folder)


def test_an_index_that_points_out_of_the_folder_is_refused(folder: Path):
    (folder / "model.safetensors").rename(folder.parent / "other.safetensors")
    index = folder / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {"model.norm.weight": "../other.safetensors"}}))
    with pytest.raises(GrowmergeError, match="does not lie in the model's folder"):
        load_checkpoint(folder)


def test_a_redundant_equal_head_of_a_tied_model_is_accepted(folder: Path):
    before = logits(load_checkpoint(folder))
    change_weights(folder, lambda t: t.update({"lm_head.weight": t["model.embed_tokens.weight"].clone()}))
    assert torch.equal(logits(load_checkpoint(folder)), before)


NORM = "model.layers.1.input_layernorm.weight"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.pop(NORM), f"lack tensor {NORM}"),
        (lambda t: t.pop("model.embed_tokens.weight"), r"lack tensor model\.embed_tokens\.weight"),
        (lambda t: t.update({"model.extra": torch.zeros(2)}), r"unexpected tensor model\.extra"),
        (lambda t: t.update({NORM: torch.zeros(17)}), rf"{NORM} has shape \[17\]"),
        (lambda t: t.update({NORM: torch.zeros(16, dtype=torch.int8)}), f"{NORM} has dtype I8"),
        (lambda t: t.update({"lm_head.weight": torch.zeros(32, 16)}), r"lm_head\.weight differs"),
        (
            lambda t: t.update({"model.embed_tokens.weight": torch.zeros(40, 16)}),
            r"embed_tokens\.weight has shape \[40, 16\]",
        ),
    ],
    ids=["missing", "no embedding", "unexpected", "shape", "dtype", "untied weights", "other vocabulary"],
)
def test_tensors_that_do_not_fit_the_configuration_are_refused_by_name(folder: Path, change, message):
    change_weights(folder, change)
    with pytest.raises(GrowmergeError, match=message) as error:
        load_checkpoint(folder)
    assert str(folder) in str(error.value)


def test_a_tied_model_read_as_untied_is_refused(folder: Path):
    change_config(folder, tie_word_embeddings=False)
    with pytest.raises(GrowmergeError, match=r"lm_head\.weight"):
        load_checkpoint(folder)


@pytest.mark.parametrize("kept", [0, 4, 200, 0.5, -1])
def test_a_truncated_safetensors_file_is_refused(folder: Path, kept):
    weights = folder / "model.safetensors"
    data = weights.read_bytes()
    weights.write_bytes(data[: int(len(data) * kept) if isinstance(kept, float) else kept])
    with pytest.raises(GrowmergeError, match=r"model\.safetensors"):
        load_checkpoint(folder)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"auto_map": {"AutoModelForCausalLM": "modeling_evil.Evil"}}, "auto_map"),
        ({"model_type": "hyperllama"}, "hyperllama"),
        ({"model_type": None}, "model_type"),
        ({"quantization_config": {"quant_method": "gptq"}}, "quantization_config"),
        ({"hidden_size": "wide"}, "hidden_size"),
        ({"hidden_size": 18}, "hidden size"),
        ({"hidden_act": "no_such_activation"}, "no_such_activation"),
    ],
)
def test_configurations_that_are_not_plain_llama_are_refused(folder: Path, values, message):
    change_config(folder, **values)
    with pytest.raises(GrowmergeError, match=message) as error:
        load_checkpoint(folder)
    assert "config.json" in str(error.value)


@pytest.mark.parametrize("text", ["{", "[]"])
def test_a_configuration_that_is_no_json_object_is_refused(folder: Path, text):
    (folder / "config.json").write_text(text)
    with pytest.raises(GrowmergeError, match=r"config\.json"):
        load_checkpoint(folder)


@pytest.mark.parametrize("missing", ["config.json", "model.safetensors"])
def test_an_incomplete_folder_is_refused(folder: Path, missing):
    (folder / missing).unlink()
    with pytest.raises(GrowmergeError, match=missing):
        load_checkpoint(folder)


class Bomb:
    """Unpickling it creates a file."""

    def __init__(self, target: Path):
        self.target = target

    def __reduce__(self):
        return (Path.touch, (self.target,))


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.pt"])
@pytest.mark.parametrize("with_safetensors", [True, False])
def test_pickles_and_python_files_are_never_executed(folder: Path, tmp_path: Path, name, with_safetensors):
    trace = tmp_path / "executed"
    (folder / name).write_bytes(pickle.dumps(Bomb(trace)))
    (folder / "modeling_evil.py").write_text(f"open({str(trace)!r}, 'w')")
    if with_safetensors:
        load_checkpoint(folder)
    else:
        (folder / "model.safetensors").unlink()
        with pytest.raises(GrowmergeError, match=f"pickled .{name}"):
            load_checkpoint(folder)
    assert not trace.exists()
    pickle.loads((folder / name).read_bytes())
    assert trace.exists(), "the bomb itself must work, or this test proves nothing"


def test_an_attention_kernel_named_by_the_folder_is_not_fetched(folder: Path):
    change_config(folder, attn_implementation="some-hub-user/kernel")
    assert load_checkpoint(folder).config._attn_implementation == "sdpa"
