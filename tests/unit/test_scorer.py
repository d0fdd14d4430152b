"""Every text of every item gets one row with the log-probability of exactly its own tokens after BOS."""

import pytest
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import LlamaConfig, LlamaForCausalLM

from growmerge.errors import GrowmergeError
from growmerge.evaluation.items import Item
from growmerge.evaluation.scorer import SCORE_SCHEMA, score_items

BOS = 0
SENTENCES = ["Kötturinn sefur.", "گربه می‌خوابد.", "Kass magab.", "The cat sleeps."]
MINIMAL = Item("a1", "agreement", ("Kötturinn sefur.", "Kötturinn sofa."))
PARITY = Item("p1", "cldr", ("گربه می‌خوابد.",), reference="The cat sleeps.")


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=300, special_tokens=["<s>"], initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(SENTENCES, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", BOS)])
    return tokenizer


@pytest.fixture(scope="module")
def model() -> LlamaForCausalLM:
    config = LlamaConfig(
        vocab_size=300,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=64,
    )
    model = LlamaForCausalLM(config).eval()
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.2 + (parameter.ndim == 1))
    return model


@torch.no_grad()
def directly(model: LlamaForCausalLM, ids: list[int]) -> float:
    logprobs = model(torch.tensor([[BOS, *ids]])).logits[0].log_softmax(-1)
    return sum(logprobs[place, token].item() for place, token in enumerate(ids))


def test_one_row_for_each_candidate_with_the_sum_over_all_its_tokens(model, tokenizer):
    cells = {
        ("acceptability", "isl"): [MINIMAL],
        ("parity", "fas"): [PARITY],
        ("parity_reference", "fas"): [PARITY],
    }
    table = score_items(model, tokenizer, cells, bos_id=BOS)
    assert table.schema == SCORE_SCHEMA
    rows = table.to_pylist()
    assert [(r["benchmark"], r["language"], r["item"], r["subset"], r["candidate"]) for r in rows] == [
        ("acceptability", "isl", "a1", "agreement", 0),
        ("acceptability", "isl", "a1", "agreement", 1),
        ("parity", "fas", "p1", "cldr", 0),
        ("parity_reference", "fas", "p1", "cldr", 0),
    ]
    texts = ["Kötturinn sefur.", "Kötturinn sofa.", "گربه می‌خوابد.", "The cat sleeps."]
    for row, text in zip(rows, texts, strict=True):
        ids = tokenizer.encode(text, add_special_tokens=False).ids
        assert row["tokens"] == len(ids)
        assert row["characters"] == len(text)
        assert row["logprob"] == pytest.approx(directly(model, ids), abs=1e-4)


def test_a_text_has_one_score_wherever_it_occurs(model, tokenizer):
    other = Item("b1", "agreement", ("Kass magab.", "Kötturinn sefur."))
    table = score_items(model, tokenizer, {("acceptability", "isl"): [MINIMAL, other]}, bos_id=BOS)
    logprobs = table["logprob"].to_pylist()
    assert logprobs[0] == logprobs[3]
    assert len(set(logprobs)) == 3


def test_padding_and_truncation_set_in_the_tokenizers_file_change_nothing(model, tokenizer):
    cells = {("acceptability", "isl"): [MINIMAL]}
    plain = score_items(model, tokenizer, cells, bos_id=BOS)
    configured = Tokenizer.from_str(tokenizer.to_str())
    configured.enable_padding(length=20)
    configured.enable_truncation(3)
    assert score_items(model, configured, cells, bos_id=BOS).equals(plain)
    assert configured.truncation is not None, "the caller's tokenizer must stay as it was"


def test_a_text_without_tokens_is_refused_by_name(model, tokenizer):
    with pytest.raises(GrowmergeError, match="acceptability/isl: text 1 of item a9"):
        score_items(model, tokenizer, {("acceptability", "isl"): [Item("a9", "s", ("x", ""))]}, bos_id=BOS)


def test_a_parity_item_without_reference_is_refused_by_name(model, tokenizer):
    with pytest.raises(GrowmergeError, match="parity_reference/isl: item a1 has no reference"):
        score_items(model, tokenizer, {("parity_reference", "isl"): [MINIMAL]}, bos_id=BOS)


def test_no_items_give_an_empty_table(model, tokenizer):
    assert score_items(model, tokenizer, {}, bos_id=BOS).num_rows == 0
