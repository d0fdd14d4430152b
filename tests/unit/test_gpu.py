"""On a GPU training, scoring and merging give what they give on the CPU (`make gpu-check` runs these)."""

import os
from dataclasses import replace

import numpy as np
import pytest
import torch
from conftest import ARCHITECTURE, ROOT, VOCABULARY
from safetensors.torch import load_file
from training_runs import finish, logged, make_inputs, start, wait_for_state, with_training

from growmerge.artifacts import sha256_file
from growmerge.config import load_files
from growmerge.evaluation.engine import log_likelihoods
from growmerge.evaluation.request import Request
from growmerge.merging.merge import merge_models
from growmerge.merging.recipe import Recipe
from growmerge.models.initialise import initialise, llama_config
from growmerge.training.gradient import Gradient

DEVICE = "cuda"
pytestmark = [pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")]
METHODS = load_files(ROOT / "config/config.yaml").merging.methods


@pytest.fixture(scope="module")
def inputs(tiny):
    return make_inputs(tiny)


@pytest.fixture(scope="module")
def recipe(tiny):
    members = {code: tiny.checkpoint(code, seed) for seed, code in enumerate(("swe", "isl", "ekk"), 1)}
    return Recipe(members, tiny.checkpoint("base", 0), METHODS[0], "float32", 42)


def model_on(device):
    return torch.nn.Module.to(initialise(llama_config(ARCHITECTURE, VOCABULARY, 0, 0), 3), device)


def losses(out):
    return [entry["loss"] for entry in logged(out)]


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_a_training_has_the_losses_of_the_cpu(optimizer, inputs, tmp_path):
    recipe = with_training(optimizer=optimizer, compile=False, log_every=1) | {"phases": [{"b": 1}]}
    finish(start(inputs, tmp_path / "gpu", recipe), tmp_path / "gpu")
    finish(start(inputs, tmp_path / "cpu", recipe, env=os.environ | {"CUDA_VISIBLE_DEVICES": ""}), tmp_path / "cpu")
    assert losses(tmp_path / "gpu") == pytest.approx(losses(tmp_path / "cpu"), abs=0.02)


def test_killed_with_9_it_resumes_with_the_same_losses(inputs, tmp_path):
    recipe = with_training(compile=False, log_every=1)
    finish(start(inputs, tmp_path / "whole", recipe), tmp_path / "whole")
    process = start(inputs, tmp_path / "killed", recipe)
    wait_for_state(process, tmp_path / "killed", 20)
    process.kill()
    process.wait()
    finish(start(inputs, tmp_path / "killed", recipe), tmp_path / "killed")
    assert losses(tmp_path / "killed") == pytest.approx(losses(tmp_path / "whole"), abs=0.02)


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize(("precision", "tolerance"), [("fp32", 1e-3), ("bf16", 0.05)])
def test_the_gradient_is_that_of_the_cpu(precision, tolerance, compiled):
    batch = torch.randint(0, VOCABULARY, (4, 33), generator=torch.Generator().manual_seed(0))
    there, here = model_on(DEVICE).train(), model_on("cpu").train()
    loss = Gradient(there, precision, compiled).add(batch.to(DEVICE), 128).item()
    assert loss == pytest.approx(Gradient(here, "fp32").add(batch, 128).item(), rel=tolerance)
    for (name, ours), theirs in zip(there.named_parameters(), here.parameters(), strict=True):
        distance = (ours.grad.cpu() - theirs.grad).norm() / theirs.grad.norm()
        assert distance < tolerance, name


def test_log_likelihoods_are_those_of_the_cpu():
    draw = np.random.default_rng(0)
    texts = [tuple(draw.integers(0, VOCABULARY, draw.integers(2, 40)).tolist()) for _ in range(50)]
    texts += [(*text[:-1], 7) for text in texts]  # what texts begin with is shared
    requests = [Request(text[:1], text[1:]) for text in texts]
    there, here = (log_likelihoods(model_on(device), requests) for device in (DEVICE, "cpu"))
    np.testing.assert_allclose(there, here, atol=1e-3)


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_processes_that_are_forked_after_cuda_was_initialised_merge_to_the_same_bytes(method, recipe, tmp_path):
    """A job that scores on a GPU merges on the CPU, in processes that begin with its memory."""
    torch.ones(1, device=DEVICE).sum().item()
    threads = torch.get_num_threads()
    for count in (1, 3):  # one thread forks nothing
        torch.set_num_threads(count)
        merge_models({tmp_path / str(count): replace(recipe, method=method)})
    torch.set_num_threads(threads)
    assert torch.ones(1, device=DEVICE).sum().item() == 1, "the GPU can still be used"
    one, three = (sha256_file(tmp_path / str(count) / "model.safetensors") for count in (1, 3))
    assert one == three


def test_the_tensors_of_a_merge_on_a_gpu_are_saved_from_the_cpu(recipe, tmp_path):
    merge_models({tmp_path / "m": replace(recipe, device=DEVICE)})
    assert all(
        tensor.device.type == "cpu" and tensor.isfinite().all()
        for tensor in load_file(tmp_path / "m/model.safetensors").values()
    )
