"""What is generated is what a slow, direct loop gives for each prompt alone, whatever its company."""

import logging
import random
from collections import Counter

import numpy as np
import pytest
import torch
from conftest import ARCHITECTURE, VOCABULARY, Tiny, sentences
from random_llama import random_llama
from tokenizers import Tokenizer
from transformers import (
    AutoModelForCausalLM,
    BloomConfig,
    Gemma2Config,
    GenerationConfig,
    GPT2Config,
    PreTrainedConfig,
    PreTrainedModel,
    Qwen3Config,
)

from growmerge.catalogue.entry import Decoding
from growmerge.data.tokenizer import load_tokenizer
from growmerge.errors import GrowmergeError
from growmerge.evaluation.generation import Generated, Prompt, _Draw, generate
from growmerge.hashing import unit_hash

POSITIONS = 96
NEW = 10
GREEDY = Decoding(NEW)
SAMPLED = Decoding(NEW, temperature=0.8, top_k=60, top_p=0.9, seed=7)
# With a head of its own: a random one that is the embedding, too, repeats what it reads.
APART = {"vocab_size": VOCABULARY, "tie_word_embeddings": False}
SMALL = APART | {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 48}
SHAPES: dict[str, PreTrainedConfig] = {
    "gpt2": GPT2Config(**APART, n_embd=32, n_layer=2, n_head=4, n_positions=POSITIONS),
    "bloom": BloomConfig(**APART, hidden_size=32, n_layer=2, n_head=4),
    "gemma2": Gemma2Config(**SMALL, num_key_value_heads=2, head_dim=8, sliding_window=16, query_pre_attn_scalar=8),
    "qwen3": Qwen3Config(**SMALL, num_key_value_heads=2, head_dim=8),
}


def make_model(kind: str, seed: int = 0) -> PreTrainedModel:
    """A random model with outputs that vary; the spread of its weights keeps one token from winning always."""
    if kind == "llama":
        return random_llama(seed, 0.25, vocab_size=VOCABULARY, max_position_embeddings=POSITIONS)
    model = AutoModelForCausalLM.from_config(SHAPES[kind]).eval()
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            norm = parameter.ndim == 1
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * (0.05 if norm else 0.25) + norm)
    return model


@pytest.fixture(scope="module")
def tokenizer(tiny: Tiny) -> Tokenizer:
    return load_tokenizer(tiny.folder / "tokenizer")[0]


LLAMA = make_model("llama")
PROMPTS = [Prompt(f"p{n}", f"EN: {text} SV:") for n, text in enumerate(sentences(12, 3))]


def run(
    model: PreTrainedModel, tokenizer: Tokenizer, prompts, decoding=GREEDY, tokens_per_batch=2048
) -> list[Generated]:
    return generate(model, tokenizer, prompts, decoding, begin_id=0, end_id=0, tokens_per_batch=tokens_per_batch)


@torch.no_grad()
def directly(model: PreTrainedModel, tokenizer: Tokenizer, prompt: Prompt, decoding: Decoding) -> Generated:
    """Token by token, without padding, batch or cache."""
    ids = [0, *tokenizer.encode(prompt.text, add_special_tokens=False).ids]
    new: list[int] = []
    while len(new) < decoding.max_new_tokens:
        logits = model(torch.tensor([ids + new]), use_cache=False).logits[0, -1].double().numpy()
        token = int(logits.argmax()) if not decoding.temperature else draw(logits, prompt.id, len(new), decoding)
        new.append(token)
        if token == 0 or "\n" in tokenizer.decode([token], skip_special_tokens=False):
            break
    ended = new[-1] == 0 or "\n" in tokenizer.decode(new[-1:], skip_special_tokens=False)
    return Generated(tokenizer.decode(new).split("\n")[0].strip(), ended, 0)


def draw(logits: np.ndarray, name: str, place: int, decoding: Decoding) -> int:
    """By the definitions of temperature, top-k and top-p."""
    order = np.argsort(-logits)[: decoding.top_k or None]
    p = np.exp((logits[order] - logits.max()) / decoding.temperature)
    p /= p.sum()
    p = p[: 1 + int(np.searchsorted(np.cumsum(p), decoding.top_p))]
    by_token = sorted(zip(order[: len(p)].tolist(), (p / p.sum()).tolist(), strict=True))
    wanted, total = unit_hash(f"{name}\0{place}", f"draw:{decoding.seed}"), 0.0
    for token, share in by_token:
        total += share
        if total > wanted:
            return token
    return by_token[-1][0]


@pytest.mark.parametrize("decoding", [GREEDY, SAMPLED], ids=["greedy", "sampled"])
@pytest.mark.parametrize("kind", ["llama", *SHAPES])
def test_it_equals_the_direct_loop_for_every_prompt_of_a_batch(kind: str, decoding: Decoding, tokenizer: Tokenizer):
    model = make_model(kind)
    prompts = PROMPTS[:5]
    assert len({len(tokenizer.encode(prompt.text).ids) for prompt in prompts}) > 2, "some have to be padded"
    found = run(model, tokenizer, prompts, decoding)
    assert found == [directly(model, tokenizer, prompt, decoding) for prompt in prompts]
    assert len({one.text for one in found}) > 2


@pytest.mark.parametrize("decoding", [GREEDY, SAMPLED], ids=["greedy", "sampled"])
def test_results_depend_neither_on_batch_size_nor_on_order_nor_on_company(decoding: Decoding, tokenizer: Tokenizer):
    together = run(LLAMA, tokenizer, PROMPTS, decoding)
    for tokens_per_batch in (1, 100):
        assert run(LLAMA, tokenizer, PROMPTS, decoding, tokens_per_batch=tokens_per_batch) == together
    places = list(range(len(PROMPTS)))
    random.Random(1).shuffle(places)
    assert run(LLAMA, tokenizer, [PROMPTS[place] for place in places], decoding) == [together[p] for p in places]
    assert run(LLAMA, tokenizer, PROMPTS[:1] * 3, decoding) == together[:1] * 3
    assert run(LLAMA, tokenizer, [], decoding) == []


def test_draws_follow_from_the_seed_and_the_prompt_s_id_alone(tokenizer: Tokenizer):
    prompt = PROMPTS[0]
    first, same, other_id, other_seed = (
        run(LLAMA, tokenizer, [Prompt(name, prompt.text)], Decoding(NEW, temperature=1.0, seed=seed))
        for name, seed in (("a", 1), ("a", 1), ("b", 1), ("a", 2))
    )
    assert first == same
    assert len({first[0].text, other_id[0].text, other_seed[0].text}) == 3


def test_tokens_are_drawn_as_often_as_they_are_probable():
    probabilities = [0.5, 0.3, 0.0, 0.2]
    count = 20_000
    scores = torch.tensor(probabilities).log().expand(count, -1)
    drawn = _Draw([f"item {n}" for n in range(count)], 0, 5)(torch.zeros((count, 5), dtype=torch.long), scores)
    frequencies = Counter(drawn.argmax(-1).tolist())
    assert [frequencies[token] / count for token in range(4)] == pytest.approx(probabilities, abs=0.015)
    assert frequencies[2] == 0


def test_a_continuation_is_one_line_and_says_whether_the_model_ended_it(tokenizer: Tokenizer):
    flat = random_llama(2, 0.02, vocab_size=VOCABULARY, max_position_embeddings=POSITIONS)  # every token now and then
    prompts = [Prompt(str(n), "the") for n in range(60)]
    found = run(flat, tokenizer, prompts, Decoding(60, temperature=1.0), tokens_per_batch=10**6)
    assert not any("\n" in one.text or one.text != one.text.strip() for one in found)
    assert 5 < sum(one.ended for one in found) < 55
    assert all(one.text for one in found if not one.ended)


def test_what_stands_before_the_line_break_in_its_token_is_kept():
    from tokenizers import decoders, models

    words = ["<s>", "one", "two.\n", "\n"]
    tokenizer = Tokenizer(models.WordLevel({word: index for index, word in enumerate(words)}, "<s>"))
    tokenizer.decoder = decoders.Fuse()
    model = random_llama(0, 0.1, vocab_size=4)
    with torch.no_grad():  # whatever it reads, it writes the second token; after that, the third
        model.model.embed_tokens.weight.copy_(torch.eye(4, 32) * 9)
        model.lm_head.weight.zero_()
        model.lm_head.weight[1, 0] = model.lm_head.weight[2, 1] = 9
        for layer in model.model.layers:
            layer.self_attn.o_proj.weight.zero_()
            layer.mlp.down_proj.weight.zero_()
    (found,) = run(model, tokenizer, [Prompt("a", "")])
    assert found == Generated("onetwo.", True, 0)


def test_prompts_that_are_too_long_lose_examples_from_the_left_which_is_logged(
    tokenizer: Tokenizer, caplog: pytest.LogCaptureFixture
):
    examples = [f"EN: {text} SV: {text}\n\n" for text in sentences(6, 8)]
    question = "EN: the cat sees SV:"
    with caplog.at_level(logging.WARNING, "growmerge"):
        (found,) = run(LLAMA, tokenizer, [Prompt("long", "".join(examples) + question)])
    assert 0 < found.lost_examples < 6
    assert "1 of 1 prompts lost examples to fit into 96 positions with 10 new tokens" in caplog.text
    (rest,) = run(LLAMA, tokenizer, [Prompt("rest", "".join(examples[found.lost_examples :]) + question)])
    (more,) = run(LLAMA, tokenizer, [Prompt("more", "".join(examples[found.lost_examples - 1 :]) + question)])
    assert (rest.text, rest.lost_examples) == (found.text, 0)
    assert more.lost_examples == 1, "no example was lost without need"


def test_no_example_is_lost_that_fits_to_the_last_position(tokenizer: Tokenizer):
    prompt = Prompt("full", "EN: a cat SV: a cat\n\nEN: the dog SV:")
    room = POSITIONS - 1 - len(tokenizer.encode(prompt.text).ids)
    fitting, (over,) = (run(LLAMA, tokenizer, [prompt], Decoding(new)) for new in (room, room + 1))
    assert (fitting[0].lost_examples, over.lost_examples) == (0, 1)


def test_a_prompt_that_does_not_fit_without_examples_is_an_error_that_says_what_to_do(tokenizer: Tokenizer):
    long = Prompt("s9", "an example\n\nEN: " + "the cat " * 60)
    with pytest.raises(GrowmergeError, match=r"prompt s9 has \d+ tokens without examples.*max_new_tokens.*max_words"):
        run(LLAMA, tokenizer, [PROMPTS[0], long])


def test_settings_that_come_with_a_model_change_nothing(tokenizer: Tokenizer):
    plain = run(LLAMA, tokenizer, PROMPTS[:4])
    frequent = Counter(token for one in plain for token in tokenizer.encode(one.text).ids).most_common(1)[0][0]
    before = LLAMA.generation_config
    LLAMA.generation_config = GenerationConfig(
        repetition_penalty=5.0, do_sample=True, temperature=9.0, min_new_tokens=5, eos_token_id=frequent
    )
    theirs = LLAMA.generation_config
    try:
        assert run(LLAMA, tokenizer, PROMPTS[:4]) == plain
        assert LLAMA.generation_config is theirs
    finally:
        LLAMA.generation_config = before


def test_memory_that_runs_out_makes_batches_smaller(tokenizer: Tokenizer, caplog: pytest.LogCaptureFixture):
    whole = run(LLAMA, tokenizer, PROMPTS)
    sizes = []

    def at_most_three(module, arguments, keywords):
        sizes.append(len(keywords["input_ids"]))
        if sizes[-1] > 3:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory")

    hook = LLAMA.register_forward_pre_hook(at_most_three, with_kwargs=True)
    try:
        assert run(LLAMA, tokenizer, PROMPTS) == whole
    finally:
        hook.remove()
    assert max(sizes[-20:]) <= 3 < max(sizes)
    assert "out of memory: batches of" in caplog.text


def test_the_harness_generates_the_same(tiny: Tiny):
    from lm_eval.api.instance import Instance
    from lm_eval.models.huggingface import HFLM
    from transformers import AutoTokenizer

    from growmerge.models.external import load_model

    shape = ARCHITECTURE.model_copy(update={"max_position_embeddings": 256, "initializer_range": 0.3})
    folder = tiny.checkpoint("generation", seed=5, architecture=shape)
    model = load_model(folder)
    ours = run(model, load_tokenizer(folder)[0], PROMPTS, Decoding(30))
    named = AutoTokenizer.from_pretrained(folder)
    settings = {"until": ["\n"], "max_gen_toks": 30, "do_sample": False}
    requests = [
        Instance("generate_until", {}, (named.bos_token + prompt.text, dict(settings)), index)
        for index, prompt in enumerate(PROMPTS)
    ]
    theirs = HFLM(pretrained=model, tokenizer=named, batch_size=5).generate_until(requests, disable_tqdm=True)
    assert [one.text for one in ours] == [text.strip() for text in theirs]
