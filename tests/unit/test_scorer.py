"""Every text of every item gets one row with the log-probability of exactly its own tokens after BOS."""

import json
import logging
from copy import deepcopy
from pathlib import Path

import pandas as pd
import pytest
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import LlamaConfig, LlamaForCausalLM, Qwen3Config, Qwen3ForCausalLM

from growmerge.artifacts import publish, read_manifest, verify
from growmerge.benchmarks.items import ITEMS, Item, write_items
from growmerge.data.tokenizer import load_tokenizer, save_tokenizer
from growmerge.errors import GrowmergeError
from growmerge.evaluation.scorer import SCORE_SCHEMA, score_items
from growmerge.evaluation.scores import Scored, update_scores

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


def test_the_english_sides_of_every_benchmark_of_parity_are_its_references(model, tokenizer):
    cells = {("flores", "fas"): [PARITY], ("flores_reference", "fas"): [PARITY], ("parity_reference", "fas"): [PARITY]}
    target, flores, parity = score_items(model, tokenizer, cells, bos_id=BOS)["logprob"].to_pylist()
    english = tokenizer.encode("The cat sleeps.", add_special_tokens=False).ids
    assert flores == parity == pytest.approx(directly(model, english), abs=1e-4)
    assert target != flores


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


def test_padding_and_truncation_set_in_the_tokenizers_file_change_nothing(model, tokenizer, tmp_path):
    cells = {("acceptability", "isl"): [MINIMAL]}
    plain = score_items(model, tokenizer, cells, bos_id=BOS)
    configured = Tokenizer.from_str(tokenizer.to_str())
    configured.enable_padding(length=20)
    configured.enable_truncation(3)
    save_tokenizer(configured, tmp_path, "<s>", "<s>")
    assert Tokenizer.from_file(str(tmp_path / "tokenizer.json")).truncation is not None
    assert score_items(model, load_tokenizer(tmp_path)[0], cells, bos_id=BOS).equals(plain)


def test_a_text_without_tokens_is_refused_by_name(model, tokenizer):
    with pytest.raises(GrowmergeError, match="acceptability/isl: text 1 of item a9"):
        score_items(model, tokenizer, {("acceptability", "isl"): [Item("a9", "s", ("x", ""))]}, bos_id=BOS)


def test_a_candidate_is_scored_after_its_context_and_only_itself_counted(model, tokenizer):
    question = Item("q1", "", (" sefur.", " sofa."), context="Kötturinn")
    rows = score_items(model, tokenizer, {("qa", "isl"): [question]}, bos_id=BOS).to_pylist()
    before = tokenizer.encode("Kötturinn", add_special_tokens=False).ids
    for row, text in zip(rows, question.candidates, strict=True):
        ids = tokenizer.encode("Kötturinn" + text, add_special_tokens=False).ids
        assert ids[: len(before)] == before
        assert row["logprob"] == pytest.approx(directly(model, ids) - directly(model, before), abs=1e-4)
        assert row["tokens"] == len(ids) - len(before)
        assert row["characters"] == len(text) - 1, "the space before an answer is none of its characters"
        assert row["cut"] == 0


def test_what_a_context_loses_to_fit_into_the_model_is_counted(model, tokenizer):
    long = Item("q1", "", (" sefur.", " The cat sleeps."), context="Kass magab. " * 30)
    rows = score_items(model, tokenizer, {("qa", "isl"): [long]}, bos_id=BOS).to_pylist()
    before = len(tokenizer.encode(long.context.rstrip(), add_special_tokens=False).ids)
    for row in rows:
        assert row["cut"] == 1 + before + row["tokens"] - 1 - 64


def test_a_candidate_that_merges_into_the_last_token_of_its_context_is_refused_by_name(model, tokenizer):
    whole, part = (tokenizer.encode(text, add_special_tokens=False).ids for text in ("magab", "maga"))
    assert len(whole) <= len(part), "or this text shows nothing"
    item = Item("q7", "", ("b",), context="maga")
    with pytest.raises(GrowmergeError, match="qa/ekk: text 0 of item q7 has no tokens"):
        score_items(model, tokenizer, {("qa", "ekk"): [item]}, bos_id=BOS)


def test_a_text_that_is_too_long_for_the_model_is_refused_by_name_with_what_helps(model, tokenizer):
    item = Item("q8", "", (" sefur.", " sofa" * 80), context="Kötturinn")
    tokens = len(tokenizer.encode(item.candidates[1], add_special_tokens=False).ids)
    with pytest.raises(GrowmergeError) as raised:
        score_items(model, tokenizer, {("qa", "isl"): [item]}, bos_id=BOS)
    assert f"qa/isl: text 1 of item q8 has {tokens} tokens, but the model has 64 positions; leave" in str(raised.value)
    assert "by `max_words` of parity, by smaller `piece_bytes` of bits per byte, by rows of your" in str(raised.value)


def test_texts_for_which_the_model_gives_no_numbers_are_counted_in_the_log(model, tokenizer, caplog):
    broken = deepcopy(model)
    (first, *_) = tokenizer.encode("Kass magab.", add_special_tokens=False).ids
    with torch.no_grad():
        broken.model.embed_tokens.weight[first] = torch.nan
    cells = {("acceptability", "isl"): [MINIMAL], ("parity", "ekk"): [Item("p2", "", ("Kass magab.",))]}
    with caplog.at_level(logging.WARNING):
        table = score_items(broken, tokenizer, cells, bos_id=BOS).to_pandas()
    assert table["logprob"].isna().tolist() == [False, False, True]
    assert "1 of 3 texts have no log-probability" in caplog.text
    assert "(NaN): some of parity/ekk" in caplog.text


def test_an_item_without_candidates_is_refused_by_name(model, tokenizer):
    with pytest.raises(GrowmergeError, match="flores/isl: item t1 has no candidates"):
        score_items(model, tokenizer, {("flores", "isl"): [Item("t1", "", (), "x", "y")]}, bos_id=BOS)


def test_a_parity_item_without_reference_is_refused_by_name(model, tokenizer):
    with pytest.raises(GrowmergeError, match="parity_reference/isl: item a1 has no reference"):
        score_items(model, tokenizer, {("parity_reference", "isl"): [MINIMAL]}, bos_id=BOS)


def test_no_items_give_an_empty_table(model, tokenizer):
    assert score_items(model, tokenizer, {}, bos_id=BOS).num_rows == 0


# --- the scores of a model ------------------------------------------------------------------------------------------


@pytest.fixture
def benchmarks(tmp_path: Path) -> dict[tuple[str, str], Path]:
    cells = {("acceptability", "isl"): [MINIMAL], ("parity", "fas"): [PARITY]}
    folders = {cell: tmp_path / "benchmarks" / "-".join(cell) for cell in cells}
    for cell, folder in folders.items():
        with publish(folder) as draft:
            write_items(cells[cell], draft.folder / ITEMS)
    return folders


def test_a_model_of_another_architecture_without_a_beginning_token_is_scored_and_the_manifest_says_how(
    tiny, tmp_path: Path, benchmarks
):
    config = Qwen3Config(
        vocab_size=320,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=8,
        initializer_range=0.3,
    )
    qwen = Qwen3ForCausalLM(config).eval()
    with publish(tmp_path / "qwen") as draft:
        qwen.save_pretrained(draft.folder)
        for name in ("tokenizer.json", "tokenizer_config.json"):
            (draft.folder / name).write_bytes((tiny.folder / "tokenizer" / name).read_bytes())
        settings = draft.folder / "tokenizer_config.json"
        settings.write_text(json.dumps(json.loads(settings.read_text()) | {"bos_token": None}))
    model = Scored(verify(tmp_path / "qwen").digest, lambda: tmp_path / "qwen", inputs=[tmp_path / "qwen"])

    assert update_scores(tmp_path / "scores", model, benchmarks, tokens_per_batch=100) == 2
    tokenizer, begin, end = load_tokenizer(tmp_path / "qwen")
    assert begin == end == 0
    table = pd.read_parquet(tmp_path / "scores" / ITEMS)
    texts = [*MINIMAL.candidates, *PARITY.candidates]
    expected = [directly(qwen, tokenizer.encode(text, add_special_tokens=False).ids) for text in texts]
    assert table["logprob"].tolist() == pytest.approx(expected, abs=1e-4)
    assert read_manifest(tmp_path / "scores").facts["begin"] == "<|endoftext|>"

    # Nothing is missing: the model is not even asked for, and the manifest still says how it was scored.
    assert update_scores(tmp_path / "scores", model, benchmarks, tokens_per_batch=100) == 0
    assert read_manifest(tmp_path / "scores").facts["begin"] == "<|endoftext|>"
