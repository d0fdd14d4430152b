"""Out of memory and torch.compile: how a step is computed, never what is trained."""

import shutil
import subprocess
import sys

import pytest
import torch
from conftest import ARCHITECTURE, VOCABULARY
from training_runs import logged, make_inputs, said, task, train, with_training

from growmerge.artifacts import read_manifest
from growmerge.models.initialise import initialise, llama_config
from growmerge.training.gradient import Gradient

# Trains twice in one process: at first what loads all code and opens all pools, then with little memory left.
LIMITED = """
import resource, sys
from pathlib import Path
from growmerge.training.worker import TrainingJob, train
first, second = (TrainingJob.model_validate_json(Path(file).read_text()) for file in sys.argv[2:])
train(first)
used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + int(sys.argv[1]) * 10**6, resource.RLIM_INFINITY))
train(second)
"""


@pytest.fixture(scope="module")
def inputs(tiny):
    return make_inputs(tiny)


def train_within(megabytes, inputs, out, recipe):
    short = with_training(batch_sequences=8, micro_batch_sequences=1) | {"phases": [{"b": 1}]}
    files = [task(inputs, out / "first", short), task(inputs, out, recipe)]
    arguments = [sys.executable, "-c", LIMITED, str(megabytes), *map(str, files)]
    # One pool of memory: those of threads reserve much and use little.
    return subprocess.run(arguments, env={"MALLOC_ARENA_MAX": "1"}, stderr=subprocess.DEVNULL, check=False).returncode


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="limits of memory are Linux's")
def test_out_of_memory_halves_the_micro_batch_and_trains_the_same(inputs, tmp_path):
    recipe = with_training(batch_sequences=256, micro_batch_sequences=256, log_every=1)
    assert train_within(60, inputs, tmp_path / "limited", recipe) == 0, said(tmp_path / "limited")
    train(inputs, tmp_path / "free", recipe)
    facts = read_manifest(tmp_path / "limited/model").facts
    assert facts["micro_batch_halved"] > 0
    assert facts["micro_batch_sequences"] == 256 >> facts["micro_batch_halved"]
    assert read_manifest(tmp_path / "free/model").facts["micro_batch_sequences"] == 256
    assert f"going on with {facts['micro_batch_sequences']} sequences at a time" in said(tmp_path / "limited")
    losses = [[entry["loss"] for entry in logged(tmp_path / name)] for name in ("limited", "free")]
    assert losses[0] == pytest.approx(losses[1], abs=1e-3)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="limits of memory are Linux's")
def test_a_single_sequence_that_does_not_fit_is_said_with_advice(inputs, tmp_path):
    long = with_training(sequence_length=8192, batch_sequences=1, micro_batch_sequences=1) | {"phases": [{"a": 1}]}
    assert train_within(15, inputs, tmp_path, long) == 1
    assert "step 1: out of memory even with one sequence at a time. Use a device" in said(tmp_path)
    assert "Traceback" not in said(tmp_path)


@pytest.mark.slow
@pytest.mark.skipif(not (shutil.which("g++") and sys.platform == "linux"), reason="torch.compile needs a C++ compiler")
def test_compiled_layers_give_the_same_gradient_and_are_compiled_once(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path))
    deep = ARCHITECTURE.model_copy(update={"num_hidden_layers": 12})  # more than torch would compile one by one
    plain, compiled = (initialise(llama_config(deep, VOCABULARY, 0, 0), 3).train() for _ in range(2))
    batch = torch.randint(0, VOCABULARY, (4, 33), generator=torch.Generator().manual_seed(0))
    torch._dynamo.utils.counters.clear()
    losses = [Gradient(plain, "fp32").add(batch, 128), Gradient(compiled, "fp32", compiled=True).add(batch, 128)]
    assert losses[0].item() == pytest.approx(losses[1].item(), rel=1e-5)
    for (name, ours), theirs in zip(plain.named_parameters(), compiled.parameters(), strict=True):
        torch.testing.assert_close(ours.grad, theirs.grad, rtol=1e-3, atol=1e-6, msg=name)
    assert torch._dynamo.utils.counters["stats"]["unique_graphs"] == 2, "one graph for all layers, one for the head"
    assert any(tmp_path.iterdir()), "the compiled code is kept where it was told"


@pytest.mark.slow
def test_without_a_compiler_the_way_out_is_said(inputs, tmp_path):
    file = task(inputs, tmp_path, with_training(compile=True))
    arguments = [sys.executable, "-m", "growmerge.training.worker", str(file)]
    assert (
        subprocess.run(arguments, env={"CXX": "/no/compiler"}, stderr=subprocess.DEVNULL, check=False).returncode == 1
    )
    assert "torch.compile failed" in said(tmp_path)
    assert "set training.compile to false" in said(tmp_path)
    assert "Traceback" not in said(tmp_path)


def test_the_layers_get_no_attention_mask_so_that_flash_attention_can_be_used():
    model, seen = initialise(llama_config(ARCHITECTURE, VOCABULARY, 0, 0), 3), []
    for layer in model.model.layers:
        layer.register_forward_pre_hook(lambda _, __, named: seen.append(named["attention_mask"]), with_kwargs=True)
    Gradient(model, "bf16").add(torch.zeros(2, 33, dtype=torch.int64), 64)
    assert model.config._attn_implementation == "sdpa"
    assert seen == [None] * len(model.model.layers)
