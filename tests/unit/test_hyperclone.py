"""HyperCloning keeps the function; without noise it also keeps the symmetry of the copies, for good."""

import copy
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from transformers import AutoModelForCausalLM, GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM

from growmerge.errors import GrowmergeError
from growmerge.models.asymmetry import block_asymmetry
from growmerge.models.checkpoints import parameter_count, save_checkpoint
from growmerge.models.hyperclone import hyperclone

TOKENS = torch.tensor([[1, 5, 9, 30, 2, 2, 17, 8, 40, 11], [3, 3, 3, 41, 0, 12, 25, 6, 7, 19]])


@pytest.fixture(autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def tiny(
    *,
    tied: bool = True,
    bias: bool = False,
    heads: int = 4,
    kv_heads: int = 2,
    scale: float = 0.3,
    dtype: torch.dtype = torch.float32,
) -> LlamaForCausalLM:
    config = LlamaConfig(
        vocab_size=48,
        hidden_size=16,
        intermediate_size=24,
        num_hidden_layers=2,
        num_attention_heads=heads,
        num_key_value_heads=kv_heads,
        max_position_embeddings=32,
        tie_word_embeddings=tied,
        attention_bias=bias,
        mlp_bias=bias,
    )
    model = LlamaForCausalLM(config).eval()
    generator = torch.Generator().manual_seed(7)
    with torch.no_grad():
        for parameter in model.parameters():  # larger than usual, and norms and biases that are not all one number
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * scale + (parameter.ndim == 1))
    return model.to(dtype)


@torch.no_grad()
def logits(model: LlamaForCausalLM) -> Tensor:
    return model(TOKENS).logits.float()


def relative_difference(one: Tensor, other: Tensor) -> float:
    return ((one - other).abs().max() / other.abs().max()).item()


@settings(max_examples=40)
@given(
    factor=st.integers(1, 5),
    snr_db=st.none() | st.floats(-5, 40),
    seed=st.integers(0, 2**40),
    tied=st.booleans(),
    bias=st.booleans(),
    heads=st.sampled_from([(4, 4), (4, 2), (4, 1), (2, 1)]),
)
def test_logits_equal_the_sources(factor, snr_db, seed, tied, bias, heads):
    source = tiny(tied=tied, bias=bias, heads=heads[0], kv_heads=heads[1])
    clone = hyperclone(source, factor, snr_db, seed)
    assert relative_difference(logits(clone), logits(source)) < 1e-4
    assert clone.config.hidden_size == 16 * factor
    assert clone.config.num_key_value_heads == heads[1] * factor
    assert clone.config.head_dim == source.config.head_dim
    assert (clone.lm_head.weight is clone.model.embed_tokens.weight) == tied


@pytest.mark.parametrize("factor", [2, 3, 4])
@pytest.mark.parametrize("snr_db", [None, 10.0])
def test_it_is_exact_mathematics_and_not_an_approximation(factor, snr_db):
    source = tiny(dtype=torch.float64)
    with torch.no_grad():
        clone_logits, source_logits = (m(TOKENS).logits for m in (hyperclone(source, factor, snr_db), source))
    # The RMSNorm of Llama computes in fp32 whatever the dtype: what is left is its rounding.
    assert relative_difference(clone_logits, source_logits) < 1e-5


def test_bf16_logits_equal_up_to_rounding():
    source = tiny(dtype=torch.bfloat16)
    clone = hyperclone(source, 2, snr_db=10)
    assert clone.dtype == torch.bfloat16
    assert relative_difference(logits(clone), logits(source)) < 0.05


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_stock_transformers_reloads_the_same_bits(tmp_path: Path, tied, dtype):
    clone = hyperclone(tiny(tied=tied, bias=True, dtype=dtype), 3, snr_db=10)
    save_checkpoint(clone, tmp_path / "m", None)
    reloaded = AutoModelForCausalLM.from_pretrained(tmp_path / "m", dtype="auto")
    assert type(reloaded) is LlamaForCausalLM
    assert type(reloaded.config) is LlamaConfig
    assert reloaded.dtype == dtype
    assert parameter_count(reloaded) == parameter_count(clone)
    assert torch.equal(logits(reloaded), logits(clone))


def test_the_source_and_the_global_random_state_stay():
    source = tiny()
    before, state = copy.deepcopy(source.state_dict()), torch.get_rng_state()
    clone = hyperclone(source, 1, snr_db=10)
    with torch.no_grad():
        for parameter in clone.parameters():
            parameter.zero_()
    assert all(torch.equal(before[name], tensor) for name, tensor in source.state_dict().items())
    assert source.config.hidden_size == 16
    assert torch.equal(state, torch.get_rng_state())


def test_noise_depends_on_the_seed_and_the_name_only():
    shallow, deep = tiny(), tiny()
    deep.model.layers = deep.model.layers[:1]
    deep.config.num_hidden_layers = 1
    name = "model.layers.0.mlp.up_proj.weight"
    first = hyperclone(shallow, 2, 10, seed=1).state_dict()[name]
    assert torch.equal(first, hyperclone(deep, 2, 10, seed=1).state_dict()[name])
    assert not torch.equal(first, hyperclone(shallow, 2, 10, seed=2).state_dict()[name])


def test_tensors_of_one_shape_get_different_noise():
    source = tiny()
    with torch.no_grad():
        source.model.layers[0].mlp.up_proj.weight.copy_(source.model.layers[0].mlp.gate_proj.weight)
    mlp = hyperclone(source, 2, snr_db=10).model.layers[0].mlp
    assert not torch.allclose(mlp.up_proj.weight, mlp.gate_proj.weight)


@pytest.mark.parametrize("tied", [True, False])
def test_embedding_head_norms_and_biases_get_no_noise(tied):
    plain = hyperclone(tiny(tied=tied, bias=True), 2).state_dict()
    noisy = hyperclone(tiny(tied=tied, bias=True), 2, snr_db=10).state_dict()
    changed = {name for name in plain if not torch.equal(plain[name], noisy[name])}
    assert changed == {name for name in plain if name.endswith("proj.weight")}


@pytest.mark.parametrize("factor", [2, 3, 5])
def test_noise_has_the_power_asked_for_and_spares_an_odd_last_block(factor):
    name, snr_db = "model.layers.1.mlp.down_proj.weight", 6.0
    weight = tiny().state_dict()[name]
    blocks = hyperclone(tiny(), factor, snr_db).state_dict()[name].unflatten(1, (factor, -1))
    noise = blocks.unflatten(0, (factor, -1)).transpose(1, 2) - weight / factor
    power = noise.square().mean(dim=(2, 3)) / (weight / factor).square().mean()
    paired = factor - factor % 2
    assert torch.allclose(power[:, :paired], torch.tensor(10 ** (-snr_db / 10)), rtol=1e-4)
    assert torch.all(power[:, paired:] == 0)


@pytest.mark.parametrize(("factor", "snr_db"), [(0, None), (-2, None), (2, float("nan")), (2, float("inf"))])
def test_values_out_of_range_are_refused(factor, snr_db):
    with pytest.raises(GrowmergeError, match=str(factor) if snr_db is None else "snr_db"):
        hyperclone(tiny(), factor, snr_db)


def test_a_model_that_is_not_llama_is_refused():
    other = GPT2LMHeadModel(GPT2Config(vocab_size=8, n_embd=4, n_layer=1, n_head=1, n_positions=8))
    with pytest.raises(GrowmergeError, match="GPT2LMHeadModel"):
        hyperclone(other, 2)


def train(model: LlamaForCausalLM, steps: int) -> None:
    generator = torch.Generator().manual_seed(3)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, betas=(0.9, 0.95), weight_decay=0.01)
    model.train()
    for _ in range(steps):
        batch = torch.randint(0, 48, (4, 16), generator=generator)
        model(batch, labels=batch).loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()


@pytest.mark.parametrize("tied", [True, False])
def test_without_noise_the_copies_get_equal_gradients_and_stay_copies(tied):
    clone = hyperclone(tiny(tied=tied, scale=0.05), 2)
    weight = clone.model.layers[0].mlp.up_proj.weight
    before = weight.detach().clone()
    train(clone, steps=20)
    assert not torch.equal(weight, before)
    assert block_asymmetry(clone, 2) == 0.0


def test_with_noise_the_copies_differ_and_learn_different_things():
    clone = hyperclone(tiny(scale=0.05), 2, snr_db=10)
    before = copy.deepcopy(clone.state_dict())
    assert block_asymmetry(clone, 2) == pytest.approx(10 ** (-10 / 20), rel=1e-4)
    train(clone, steps=20)
    with torch.no_grad():
        for name, parameter in clone.named_parameters():
            parameter -= before[name]
    assert block_asymmetry(clone, 2) > 0.1, "the updates themselves must differ between the copies"


@pytest.mark.parametrize("factor", [1, 2, 3, 4])
def test_asymmetry_of_a_fresh_clone_is_exactly_zero(factor):
    assert block_asymmetry(hyperclone(tiny(), factor), factor) == 0.0


def test_asymmetry_is_the_relative_distance_from_the_mean_block():
    clone = hyperclone(tiny(), 2, snr_db=3)
    ratios = []
    for name, weight in clone.state_dict().items():
        if name.endswith("proj.weight"):
            rows, columns = weight.shape[0] // 2, weight.shape[1] // 2
            blocks = [weight[i * rows :][:rows, j * columns :][:, :columns] for i in (0, 1) for j in (0, 1)]
            mean = sum(blocks) / 4
            ratios.append((sum((b - mean).norm() ** 2 for b in blocks) ** 0.5 / (2 * mean.norm())).item())
    assert block_asymmetry(clone, 2) == pytest.approx(sum(ratios) / len(ratios), rel=1e-5)


def test_asymmetry_refuses_a_factor_that_does_not_divide_the_weights():
    with pytest.raises(GrowmergeError, match=r"self_attn\.q_proj"):
        block_asymmetry(tiny(), 3)
