"""A real pre-trained model, SmolLM2-135M-Instruct: imported, widened and scored as one of the grid's would be."""

from pathlib import Path

import pytest
import torch
from transformers import LlamaForCausalLM

from growmerge.benchmarks.made.word_order import word_order_pairs
from growmerge.data.sources import read_topics
from growmerge.data.tokenizer import load_tokenizer
from growmerge.evaluation.scorer import score_items
from growmerge.models.checkpoints import load_checkpoint, parameter_count
from growmerge.models.hyperclone import hyperclone

pytestmark = pytest.mark.slow  # a hundred times the size of other tests' models
PAIRS = 30


@pytest.fixture(scope="module")
def model(smollm2: Path) -> LlamaForCausalLM:
    return load_checkpoint(smollm2)


@pytest.fixture(scope="module")
def clone(model: LlamaForCausalLM) -> LlamaForCausalLM:
    return hyperclone(model, 2)


@torch.no_grad()
def test_it_is_the_model_that_was_pretrained(smollm2: Path, model: LlamaForCausalLM):
    assert parameter_count(model) == 134_515_008
    tokenizer, begin, _ = load_tokenizer(smollm2)
    prompt = tokenizer.encode("The capital of France is", add_special_tokens=False).ids
    next_token = model(torch.tensor([[begin, *prompt]])).logits[0, -1].argmax().item()
    assert tokenizer.decode([next_token]) == " Paris"


@torch.no_grad()
def test_its_clone_of_twice_the_width_has_the_same_logits(
    smollm2: Path, model: LlamaForCausalLM, clone: LlamaForCausalLM
):
    assert clone.config.hidden_size == 2 * model.config.hidden_size == 1152
    tokenizer, begin, _ = load_tokenizer(smollm2)
    text = "Hyper cloning makes a wider model that computes the same function: halló, سلام, def f(x): return x**2"
    tokens = torch.tensor([[begin, *tokenizer.encode(text, add_special_tokens=False).ids]])
    before, after = model(tokens).logits, clone(tokens).logits
    assert before.abs().max() > 20
    # In double precision they agree to 2e-5. In single precision the model's own logits are 1e-3 from those at the
    # second token, for the first has activations of 25,000; clone and model fall 2e-3 apart there with one thread.
    torch.testing.assert_close(after, before, rtol=0, atol=4e-3)
    torch.testing.assert_close(after[:, 2:], before[:, 2:], rtol=0, atol=5e-4)


def test_it_prefers_english_to_scrambled_english_and_its_clone_scores_the_same(
    smollm2: Path, model: LlamaForCausalLM, clone: LlamaForCausalLM
):
    tokenizer, begin, _ = load_tokenizer(smollm2)
    items = word_order_pairs(list(read_topics()), PAIRS, seed=42)
    assert len(items) == PAIRS
    few = {("acceptability", "eng"): items[:8]}
    before, after = (score_items(m, tokenizer, few, bos_id=begin).to_pandas() for m in (model, clone))
    assert after["logprob"].tolist() == pytest.approx(before["logprob"].tolist(), abs=1e-3)
    scores = score_items(model, tokenizer, {("acceptability", "eng"): items}, bos_id=begin).to_pandas()
    right = scores.pivot_table(index="item", columns="candidate", values="logprob")
    accuracy = (right[0] > right[1]).mean()
    # 28 of 30 by chance alone: a probability below 1e-6.
    assert accuracy >= 28 / 30
