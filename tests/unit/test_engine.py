"""Log-likelihoods equal the slow, direct computation, whatever the batches, the order and the company."""

import logging
import random
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from random_llama import random_llama
from transformers import (
    AutoModelForCausalLM,
    BloomConfig,
    Gemma2Config,
    Gemma3TextConfig,
    GPTNeoConfig,
    GraniteConfig,
    Lfm2Config,
    LlamaForCausalLM,
    Mamba2Config,
    MambaConfig,
    MptConfig,
    Phi3Config,
    PreTrainedConfig,
    PreTrainedModel,
    Qwen3_5TextConfig,
    Qwen3Config,
)

from growmerge.errors import GrowmergeError
from growmerge.evaluation.engine import log_likelihoods
from growmerge.evaluation.forward import _log_probabilities
from growmerge.evaluation.request import Request

VOCABULARY = 60
POSITIONS = 24


def make_model(dtype: torch.dtype = torch.float32, **shape: int) -> LlamaForCausalLM:
    shape = {"vocab_size": VOCABULARY, "max_position_embeddings": POSITIONS} | shape
    return random_llama(5, 0.2, **shape, tie_word_embeddings=True).to(dtype)


MODEL = make_model()

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


def make_requests(count: int, seed: int = 0) -> list[Request]:
    rng = np.random.default_rng(seed)

    def tokens(most: int) -> tuple[int, ...]:
        return tuple(rng.integers(0, VOCABULARY, rng.integers(1, most + 1)).tolist())

    return [Request(tokens(8), tokens(14)) for _ in range(count)]


@torch.no_grad()
def directly(model: PreTrainedModel, request: Request) -> float:
    sequence = torch.tensor([request.context + request.continuation])
    logprobs = model(sequence[:, :-1]).logits[0].double().log_softmax(-1)
    start = len(request.context)
    return sum(logprobs[i - 1, sequence[0, i]].item() for i in range(start, sequence.shape[1]))


def test_it_equals_the_direct_computation():
    requests = make_requests(50)
    assert log_likelihoods(MODEL, requests) == pytest.approx([directly(MODEL, r) for r in requests], abs=1e-4)


def test_bf16_models_are_summed_in_higher_precision():
    model = make_model(torch.bfloat16)
    for request in make_requests(20):  # one by one, or their states would be rounded otherwise
        assert log_likelihoods(model, [request])[0] == pytest.approx(directly(model, request), abs=1e-4)


def requests_of(tokens: int) -> st.SearchStrategy[list[Request]]:
    token = st.integers(0, tokens - 1)
    context, continuation = (st.lists(token, min_size=1, max_size=most).map(tuple) for most in (10, 14))
    return st.lists(st.builds(Request, context, continuation), min_size=1, max_size=8)


@settings(max_examples=25)
@given(
    st.one_of(requests_of(VOCABULARY), requests_of(2)),  # of two tokens: nearly all begin like others
    st.integers(1, 400),
    st.randoms(use_true_random=False),
)
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
    requests = make_requests(120)
    whole = log_likelihoods(MODEL, requests)
    sizes = []
    hook = MODEL.lm_head.register_forward_hook(lambda module, inputs, output: sizes.append(output.numel()))
    monkeypatch.setattr("growmerge.models.logits.ON_CPU", 130 * VOCABULARY + 1)
    chunked = log_likelihoods(MODEL, requests)
    hook.remove()
    assert max(sizes) == 130 * VOCABULARY
    assert chunked == pytest.approx(whole, abs=1e-5)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=["fp32", "bf16"])
@pytest.mark.parametrize("vocabulary", [3, 60, 1000, 4097, 49152])
def test_log_probabilities_are_to_the_bit_those_of_logits_that_are_not_overwritten(vocabulary: int, dtype: torch.dtype):
    torch.manual_seed(0)
    head, states = torch.nn.Linear(16, vocabulary, bias=False, dtype=dtype), torch.randn(70, 16, dtype=dtype)
    place, targets = np.arange(70).repeat(2), np.random.default_rng(0).integers(0, vocabulary, 140)
    with torch.inference_mode():
        expected = torch.cat([head(some).float().log_softmax(-1) for some in states.split(32)])[place, targets]
        found = _log_probabilities(head, states, place, targets, rows=32)
    assert found.tolist() == expected.double().tolist()


def batch_sizes(monkeypatch: pytest.MonkeyPatch, requests: list[Request]) -> list[int]:
    """Slots of each pass with batches of 64 slots, as a processor with a small cache would have them."""
    sizes: list[int] = []
    monkeypatch.setattr("growmerge.evaluation.forward._CACHED_STATES", 64 * MODEL.config.hidden_size)
    monkeypatch.setattr("growmerge.evaluation.forward._LEAST_SLOTS", 1)
    hook = MODEL.model.embed_tokens.register_forward_hook(lambda module, given, out: sizes.append(given[0].numel()))
    log_likelihoods(MODEL, requests, tokens_per_batch=10**6)
    hook.remove()
    return sizes


def test_on_a_cpu_batches_are_no_larger_than_its_cache(monkeypatch: pytest.MonkeyPatch):
    requests = make_requests(200)
    sizes = batch_sizes(monkeypatch, requests)
    assert 48 < max(sizes) <= 64
    assert sum(sizes) > 1000


def test_what_is_wider_than_the_cache_is_still_shared(monkeypatch: pytest.MonkeyPatch):
    begin = tuple(range(POSITIONS - 1))
    answers = [Request(begin, (token,)) for token in range(3)]
    longer = [Request((*begin[:-2], token), (1, 2)) for token in range(30, 60)]
    # Twenty-one tokens once, then thirty times two, and the two that end `begin`.
    assert batch_sizes(monkeypatch, [*answers, *longer])[-1] == 21 + 30 * 2 + 2


def test_equal_requests_are_computed_once_and_tie_to_the_bit():
    requests = make_requests(10)
    rows = []
    hook = MODEL.model.embed_tokens.register_forward_hook(lambda module, inputs, output: rows.append(len(inputs[0])))
    scores = log_likelihoods(MODEL, requests * 3)
    hook.remove()
    assert sum(rows) == 2 + 10, "two passes over one request, to see what the head does, and each request once"
    assert scores[:10].tolist() == scores[10:20].tolist() == scores[20:].tolist()


def test_batches_are_the_same_in_whatever_order_requests_come():
    requests = [Request((a, b), (b, c, a)) for a in range(10) for b in range(10) for c in range(10)]
    inputs: list[list[list[int]]] = []
    hook = MODEL.model.embed_tokens.register_forward_hook(
        lambda module, given, output: inputs.append(given[0].tolist())
    )
    log_likelihoods(MODEL, requests, tokens_per_batch=100)
    forward = inputs.copy()
    inputs.clear()
    log_likelihoods(MODEL, requests[::-1], tokens_per_batch=100)
    hook.remove()
    assert len(forward) > 10
    assert inputs == forward


# --- what requests begin with in common -------------------------------------------------------------------------------


def positions_read(model: PreTrainedModel, requests: list[Request]) -> int:
    """How many tokens go through the model, without those that try out what it allows."""
    counts: list[int] = []
    hook = model.get_input_embeddings().register_forward_hook(lambda m, given, out: counts.append(given[0].numel()))
    log_likelihoods(model, requests)
    log_likelihoods(model, requests * 2)
    hook.remove()
    trials = counts[: len(counts) // 2]
    assert trials * 2 == counts
    return counts[-1]


def test_a_pair_is_read_once_up_to_where_it_differs():
    begin, right, wrong = tuple(range(10)), (20, 21, 22), (30, 31, 32)
    pair = [Request(begin[:1], begin[1:] + end) for end in (right, wrong)]
    # The last token of a text is only predicted.
    assert positions_read(MODEL, pair) == 10 + 2 + 2
    assert log_likelihoods(MODEL, pair) == pytest.approx([directly(MODEL, r) for r in pair], abs=1e-5)


def test_few_shot_examples_and_a_question_are_read_once_for_all_that_follow():
    examples, answers = tuple(range(12)), [(50,), (51, 52), (53, 54, 55)]
    questions = [(20, 21, 22), (20, 30, 31), (40,)]
    requests = [Request(examples + question, answer) for question in questions for answer in answers]
    assert positions_read(MODEL, requests) == 12 + (3 + 0 + 1 + 2) + (2 + 0 + 1 + 2) + (1 + 0 + 1 + 2)
    assert log_likelihoods(MODEL, requests) == pytest.approx([directly(MODEL, r) for r in requests], abs=1e-5)


def test_one_text_is_scored_after_contexts_of_any_length():
    tokens = tuple(range(12))
    requests = [Request(tokens[:cut], tokens[cut:]) for cut in range(1, 12)]
    assert positions_read(MODEL, requests) == 11
    assert log_likelihoods(MODEL, requests) == pytest.approx([directly(MODEL, r) for r in requests], abs=1e-5)


# Sequences that differ before they end, whose row branches, and such that do not.
BRANCHING = [Request((9,), (*range(10), *end)) for end in [(20, 21, 22), (30, 31, 32)]]
LAST_TOKENS = [Request((1,), (*range(2, 14), end)) for end in (40, 41)]
SMALL = {"vocab_size": VOCABULARY, "hidden_size": 32, "num_hidden_layers": 2, "initializer_range": 0.5}
ATTENTION = {**SMALL, "intermediate_size": 48, "num_attention_heads": 4, "num_key_value_heads": 2}
CANNOT_SHARE = {
    "Mamba, a recurrent model": MambaConfig(**SMALL, state_size=8),
    "Mamba 2, the same": Mamba2Config(**SMALL, state_size=8, num_heads=8, head_dim=8, n_groups=1),
    "LFM 2, with convolutions": Lfm2Config(**ATTENTION, layer_types=["conv", "full_attention"], conv_L_cache=3),
    "Qwen 3.5, with recurrent layers": Qwen3_5TextConfig(
        **ATTENTION,
        head_dim=8,
        linear_num_key_heads=2,
        linear_num_value_heads=4,
        linear_key_head_dim=8,
        linear_value_head_dim=8,
        layer_types=["linear_attention", "full_attention"],
    ),
    "Bloom, whose attention counts slots": BloomConfig(
        vocab_size=VOCABULARY, hidden_size=32, n_layer=2, n_head=4, initializer_range=0.5
    ),
    "MPT, the same": MptConfig(vocab_size=VOCABULARY, d_model=32, n_layers=2, n_heads=4, max_seq_len=POSITIONS),
}
one_that_cannot_share = pytest.mark.parametrize("config", CANNOT_SHARE.values(), ids=CANNOT_SHARE)
in_fp32_and_bf16 = pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=["fp32", "bf16"])


def drawn(config: PreTrainedConfig, dtype: torch.dtype = torch.float32) -> PreTrainedModel:
    torch.manual_seed(3)
    return AutoModelForCausalLM.from_config(config).eval().to(dtype)


@in_fp32_and_bf16
@one_that_cannot_share
def test_a_model_that_cannot_share_is_found_out_and_right_all_the_same(config: PreTrainedConfig, dtype: torch.dtype):
    model = drawn(config, dtype)
    for requests, read in [(BRANCHING, 2 * 13), (BRANCHING + LAST_TOKENS, 2 * 13 + 13)]:
        assert positions_read(model, requests) == read
        assert log_likelihoods(model, requests) == pytest.approx([directly(model, r) for r in requests], abs=1e-4)


@one_that_cannot_share
def test_what_goes_on_where_another_ends_is_shared_by_every_model(config: PreTrainedConfig):
    model = drawn(config)
    answers = [Request((1, 2, 3), (token,)) for token in (50, 51, 52)]
    longer = [Request((1, 2, 3), (4, 5, 6)), Request((1, 2, 3, 4, 5), (7, 8))]
    assert positions_read(model, LAST_TOKENS) == 13
    assert positions_read(model, answers + longer) == 6
    for requests in (LAST_TOKENS, answers + longer):
        assert log_likelihoods(model, requests) == pytest.approx([directly(model, r) for r in requests], abs=1e-4)


def test_a_model_in_bf16_shares_and_its_weights_stay_to_the_bit():
    model = drawn(Qwen3Config(**SHAPE), torch.bfloat16)
    before = [parameter.clone() for parameter in model.parameters()]
    pair = [Request((1,), (*range(2, 12), token, *range(2, 12))) for token in (40, 41)]
    assert positions_read(model, pair) == 11 + 10 + 10
    # Rounding alone makes this difference, far more than a trial in 16 bits could allow.
    found, expected = log_likelihoods(model, pair), [directly(model, r) for r in pair]
    assert 1e-3 < np.abs(found - expected).max() < 0.2
    assert model.dtype == torch.bfloat16
    assert all(map(torch.equal, before, model.parameters()))


def test_a_window_that_the_configuration_does_not_name_shows_in_the_widest_row():
    config = GPTNeoConfig(
        vocab_size=VOCABULARY,
        hidden_size=32,
        num_layers=2,
        num_heads=4,
        max_position_embeddings=64,
        window_size=8,
        attention_types=[[["global", "local"], 1]],
        initializer_range=0.5,
    )
    model = drawn(config)
    narrow = [Request((1,), (2, 3, end, 4)) for end in (5, 6)]
    wide = [Request((7,), (8, 9, *range(end, end + 5))) for end in (10, 20, 30, 40)]
    assert positions_read(model, narrow) == 3 + 1 + 1
    assert log_likelihoods(model, narrow + wide) == pytest.approx([directly(model, r) for r in narrow + wide], abs=1e-4)


def test_layers_that_see_a_window_share_only_what_fits_into_it():
    model = drawn(Gemma3TextConfig(**SHAPE, **WINDOWED))
    short = [Request((1,), (2, 3, end, 4)) for end in (5, 6)]
    long = [Request((1,), (2, 3, end, 4, 5, 6, 7)) for end in (5, 6)]
    assert positions_read(model, short) == 3 + 1 + 1
    assert positions_read(model, long) == 2 * 7
    assert positions_read(model, LAST_TOKENS) == 13
    for pair in (short, long, LAST_TOKENS):
        assert log_likelihoods(model, pair) == pytest.approx([directly(model, r) for r in pair], abs=1e-4)


def test_frequencies_that_depend_on_the_longest_text_of_a_batch_are_those_of_the_text_itself():
    rope = {"rope_type": "longrope", "rope_theta": 10000.0, "short_factor": [1.0] * 4, "long_factor": [4.0] * 4}
    lengths = {"max_position_embeddings": 64, "original_max_position_embeddings": 8}
    model = drawn(Phi3Config(**ATTENTION, **lengths, pad_token_id=0, eos_token_id=0, rope_parameters=rope))
    tokens = tuple(range(20))
    # Up to eight, and more: apart, together in a row, and one the beginning of another.
    requests = [
        *make_requests(20),
        *(Request((1, 2), (*tokens[:size], end)) for size in (3, 6, 7, 12) for end in (5, 6)),
    ]
    expected = [directly(model, r) for r in requests]
    assert log_likelihoods(model, requests) == pytest.approx(expected, abs=1e-4)


# --- memory -----------------------------------------------------------------------------------------------------------

LITTLE_MEMORY = """
import logging, resource, sys
sys.path.insert(0, sys.argv[1])
from test_engine import *
logging.basicConfig(level=logging.WARNING, stream=sys.stdout, format="%(message)s")
def leave(kilobytes):
    used = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmSize"))
    resource.setrlimit(resource.RLIMIT_AS, ((used + kilobytes) * 1024,) * 2)
"""


def in_little_memory(script: str) -> str:
    """What a process prints that runs the script, in which `leave(kilobytes)` says how much memory is left to it."""
    command = [sys.executable, "-c", LITTLE_MEMORY + script, str(Path(__file__).parent)]
    run = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert run.returncode == 0, run.stderr
    return run.stdout


def test_where_memory_runs_out_batches_get_smaller_until_they_fit():
    # A thousand texts as wide as the model's inner layers, in one batch, make arrays of several MB; alone, of kB.
    printed = in_little_memory("""
from growmerge.evaluation import forward
requests = make_requests(2000)
expected = log_likelihoods(MODEL, requests, tokens_per_batch=500)
forward._LEAST_SLOTS = 10**6  # or batches would be no larger than the processor's cache
leave(4000)
found = log_likelihoods(MODEL, requests, tokens_per_batch=10**6)
print("largest difference", np.abs(found - expected).max())
""")
    halvings = re.findall(r"out of memory: batches of (\d+) tokens, not (\d+)", printed)
    assert halvings, printed
    assert all(int(fewer) == int(before) // 2 for fewer, before in halvings)
    assert float(printed.split("largest difference")[1]) < 1e-4


@pytest.mark.slow
def test_where_memory_does_not_suffice_to_try_sharing_each_text_is_scored_by_itself():
    # 12 MB of weights, of which the trial needs copies in fp32 of 24 MB; the text makes arrays of less than 1 MB.
    printed = in_little_memory("""
model = make_model(torch.bfloat16, intermediate_size=2**15)
requests = [*BRANCHING, Request((5,), tuple(range(20)))]  # of which the last is wider than the others' row
expected = [directly(model, r) for r in requests]
leave(16000)
print("largest difference", np.abs(log_likelihoods(model, requests) - expected).max())
""")
    assert "common beginnings are computed for each request" in printed
    assert float(printed.split("largest difference")[1]) < 1e-4


@pytest.mark.slow
def test_a_text_that_alone_needs_too_much_memory_is_named():
    # Three thousand tokens make arrays of 390 MB.
    printed = in_little_memory("""
import pyarrow as pa
from growmerge.evaluation.encode import TEXT_SCHEMA, EncodedItems
from growmerge.evaluation.scorer import score_encoded
model = make_model(intermediate_size=2**15, max_position_embeddings=4000)
requests = [Request((1,), (2, 3)), Request((1,), (2,) * 3000)]
directly(model, requests[0])  # what a first pass makes and keeps is not meant
texts = [("qa", "isl", f"q{n}", "", 0, len(r.continuation), 9, 9) for n, r in enumerate(requests)]
columns = dict(zip(TEXT_SCHEMA.names, map(list, zip(*texts))))
leave(200000)
try:
    score_encoded(model, EncodedItems(pa.table(columns, schema=TEXT_SCHEMA), requests))
except GrowmergeError as error:
    print(error)
""")
    assert "qa/isl: text 0 of item q1: out of memory at its 3000 tokens; give the job more memory, or " in printed


# --- single requests --------------------------------------------------------------------------------------------------


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
    model = drawn(config)
    monkeypatch.setattr("growmerge.models.logits.ON_CPU", 30 * VOCABULARY)
    batches: list[int] = []
    hook = model.get_input_embeddings().register_forward_hook(lambda m, given, out: batches.append(given[0].numel()))
    requests = make_requests(50)
    scores = log_likelihoods(model, requests, tokens_per_batch=200)
    hook.remove()
    assert scores == pytest.approx([directly(model, r) for r in requests], abs=1e-4)
    assert scores.std() > 1, "or the test could not tell two models apart"
    assert (max(batches) <= 30) == (passes == "few at a time"), "a pass that makes all logits must not make too many"
