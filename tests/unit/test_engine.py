"""Log-likelihoods equal the slow, direct computation, whatever the batches, the order and the company."""

import logging
import random

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import (
    AutoModelForCausalLM,
    Gemma2Config,
    Gemma3TextConfig,
    GraniteConfig,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedConfig,
    PreTrainedModel,
    Qwen3Config,
)

from growmerge.errors import GrowmergeError
from growmerge.evaluation.engine import Request, log_likelihoods

VOCABULARY = 60
POSITIONS = 24


def make_model(dtype: torch.dtype = torch.float32) -> LlamaForCausalLM:
    config = LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=POSITIONS,
        tie_word_embeddings=True,
    )
    model = LlamaForCausalLM(config).eval()
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.2 + (parameter.ndim == 1))
    return model.to(dtype)


MODEL = make_model()


def make_requests(count: int, seed: int = 0) -> list[Request]:
    rng = np.random.default_rng(seed)

    def tokens(most: int) -> tuple[int, ...]:
        return tuple(rng.integers(0, VOCABULARY, rng.integers(1, most + 1)).tolist())

    return [Request(tokens(8), tokens(14)) for _ in range(count)]


@torch.no_grad()
def directly(model: PreTrainedModel, request: Request) -> float:
    sequence = torch.tensor([request.context + request.continuation])
    logprobs = model(sequence).logits[0].double().log_softmax(-1)
    start = len(request.context)
    return sum(logprobs[i - 1, sequence[0, i]].item() for i in range(start, sequence.shape[1]))


def test_it_equals_the_direct_computation():
    requests = make_requests(50)
    assert log_likelihoods(MODEL, requests) == pytest.approx([directly(MODEL, r) for r in requests], abs=1e-4)


def test_bf16_models_are_summed_in_higher_precision():
    model = make_model(torch.bfloat16)
    requests = make_requests(20)
    assert log_likelihoods(model, requests) == pytest.approx([directly(model, r) for r in requests], rel=0.01)


token = st.integers(0, VOCABULARY - 1)
request = st.builds(
    Request,
    st.lists(token, min_size=1, max_size=10).map(tuple),
    st.lists(token, min_size=1, max_size=14).map(tuple),
)


@settings(max_examples=40, deadline=None)
@given(st.lists(request, min_size=1, max_size=20), st.integers(1, 400), st.randoms(use_true_random=False))
def test_results_do_not_depend_on_batch_size_order_or_company(requests, tokens_per_batch, order: random.Random):
    together = log_likelihoods(MODEL, requests)
    alone = [log_likelihoods(MODEL, [one])[0] for one in requests]
    assert together == pytest.approx(alone, abs=1e-5)
    assert log_likelihoods(MODEL, requests, tokens_per_batch=tokens_per_batch) == pytest.approx(together, abs=1e-5)
    places = list(range(len(requests)))
    order.shuffle(places)
    shuffled = log_likelihoods(MODEL, [requests[place] for place in places])
    assert shuffled.tolist() == [together[place] for place in places], "the order must not matter to the bit"


def test_logits_are_made_in_chunks_of_bounded_size(monkeypatch: pytest.MonkeyPatch):
    requests = make_requests(40)
    whole = log_likelihoods(MODEL, requests)
    sizes = []
    hook = MODEL.lm_head.register_forward_hook(lambda module, inputs, output: sizes.append(output.numel()))
    monkeypatch.setattr("growmerge.models.logits.ON_CPU", 7 * VOCABULARY + 1)
    chunked = log_likelihoods(MODEL, requests)
    hook.remove()
    assert max(sizes) == 7 * VOCABULARY
    assert chunked == pytest.approx(whole, abs=1e-5)


def test_equal_requests_are_computed_once_and_tie_to_the_bit():
    requests = make_requests(10)
    rows = []
    hook = MODEL.model.embed_tokens.register_forward_hook(lambda module, inputs, output: rows.append(len(inputs[0])))
    scores = log_likelihoods(MODEL, requests * 3)
    hook.remove()
    assert sum(rows) == 2 + 10, "two passes over one request, to see what the head does, and each request once"
    assert scores[:10].tolist() == scores[10:20].tolist() == scores[20:].tolist()


def test_batches_are_the_same_in_whatever_order_requests_come():
    requests = [Request((a,), (b, c)) for a in range(10) for b in range(10) for c in range(10)]
    inputs: list[list[list[int]]] = []
    hook = MODEL.model.embed_tokens.register_forward_hook(
        lambda module, given, output: inputs.append(given[0].tolist())
    )
    log_likelihoods(MODEL, requests, tokens_per_batch=100)
    forward = inputs.copy()
    inputs.clear()
    log_likelihoods(MODEL, requests[::-1], tokens_per_batch=100)
    hook.remove()
    assert len(forward) == 2 + 20
    assert inputs == forward


def test_only_the_continuation_is_scored():
    whole = Request((3,), (4, 5, 6, 7))
    parts = [Request((3,), (4, 5)), Request((3, 4, 5), (6, 7))]
    scores = log_likelihoods(MODEL, [whole, *parts])
    assert scores[0] == pytest.approx(scores[1:].sum(), abs=1e-5)


def test_probabilities_of_all_continuations_sum_to_one():
    requests = [Request((1, 2), (token,)) for token in range(VOCABULARY)]
    assert np.exp(log_likelihoods(MODEL, requests)).sum() == pytest.approx(1, abs=1e-5)


def test_nothing_asked_is_nothing_answered():
    assert log_likelihoods(MODEL, []).shape == (0,)


def test_a_long_context_is_cut_from_the_left_and_the_count_logged(caplog: pytest.LogCaptureFixture):
    context, continuation = tuple(range(30)), (1, 2, 3)
    with caplog.at_level(logging.WARNING):
        long, short, fits = log_likelihoods(
            MODEL,
            [
                Request(context, continuation),
                Request(context[-(POSITIONS - 2) :], continuation),
                Request(context[: POSITIONS - 2], continuation),
            ],
        )
    assert long == short
    assert fits == pytest.approx(directly(MODEL, Request(context[: POSITIONS - 2], continuation)), abs=1e-4)
    assert "1 of 3" in caplog.text


def test_the_longest_possible_continuation_is_scored_and_one_more_token_refused():
    tokens = tuple(range(POSITIONS + 1))
    assert np.isfinite(log_likelihoods(MODEL, [Request((0,), tokens[:POSITIONS])])).all()
    with pytest.raises(GrowmergeError, match="Request 0: continuation of 25 tokens"):
        log_likelihoods(MODEL, [Request((0,), tokens)])


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (Request((), (1,)), "empty context"),
        (Request((1,), ()), "empty continuation"),
        (Request((1,), (VOCABULARY,)), "token id 60"),
        (Request((-1,), (1,)), "token id -1"),
    ],
)
def test_impossible_requests_are_refused_by_number(bad: Request, message: str):
    with pytest.raises(GrowmergeError, match=f"Request 1: .*{message}"):
        log_likelihoods(MODEL, [Request((1,), (2,)), bad])


def test_dropout_is_off_while_scoring_and_the_mode_restored():
    model = make_model()
    model.config.attention_dropout = 0.5
    for layer in model.model.layers:
        layer.self_attn.attention_dropout = 0.5
    requests = make_requests(10)
    quiet = log_likelihoods(model, requests)
    model.train()
    assert log_likelihoods(model, requests).tolist() == quiet.tolist()
    assert model.training


SHAPE = {
    "vocab_size": VOCABULARY,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "max_position_embeddings": POSITIONS,
    "initializer_range": 0.5,
}
# Attention over a window that is shorter than the sequences.
WINDOWED = {"sliding_window": 5, "layer_types": ["sliding_attention", "full_attention"]}


@pytest.mark.parametrize(
    ("config", "passes"),
    [
        (Qwen3Config(**SHAPE, tie_word_embeddings=True), "in batches"),
        (Gemma3TextConfig(**SHAPE, **WINDOWED), "in batches"),
        (Gemma3TextConfig(**SHAPE, **WINDOWED, final_logit_softcapping=2.0), "few at a time"),
        (Gemma2Config(**SHAPE, **WINDOWED, final_logit_softcapping=3.0), "few at a time"),
        (GraniteConfig(**{k: v for k, v in SHAPE.items() if k != "head_dim"}, logits_scaling=8.0), "few at a time"),
    ],
    ids=["Qwen 3", "Gemma 3", "Gemma 3 with capped logits", "Gemma 2", "Granite"],
)
def test_other_architectures_get_the_probabilities_of_their_own_forward_pass(
    config: PreTrainedConfig, passes: str, monkeypatch: pytest.MonkeyPatch
):
    torch.manual_seed(3)
    model = AutoModelForCausalLM.from_config(config).eval()
    monkeypatch.setattr("growmerge.models.logits.ON_CPU", 30 * VOCABULARY)
    batches: list[int] = []
    hook = model.get_input_embeddings().register_forward_hook(lambda m, given, out: batches.append(given[0].numel()))
    requests = make_requests(50)
    scores = log_likelihoods(model, requests, tokens_per_batch=200)
    hook.remove()
    assert scores == pytest.approx([directly(model, r) for r in requests], abs=1e-4)
    assert scores.std() > 1, "or the test could not tell two models apart"
    assert (max(batches) <= 30) == (passes == "few at a time"), "a pass that makes all logits must not make too many"
