"""Training resumes exactly, stops before harm, and does not depend on how a batch is cut."""

import json
import math
import signal
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from conftest import ARCHITECTURE, VOCABULARY

from growmerge.artifacts import read_manifest, sha256_file, verify
from growmerge.config.schema import Training
from growmerge.data.mixture import Component, Mixture, Phase
from growmerge.data.shards import TokenCorpus
from growmerge.errors import GrowmergeError
from growmerge.models.checkpoints import load_checkpoint
from growmerge.models.cost import parameters, training_flops
from growmerge.models.hyperclone import hyperclone
from growmerge.models.initialise import initialise, llama_config
from growmerge.training.loop import AGAIN, backward, make_optimizer, unfold_gradient
from growmerge.training.schedule import schedule
from growmerge.training.train import train_model

RECIPE = {
    "seed": 1,
    "width": 1,
    "phases": [{"a": 3}, {"a": 1, "b": 2}],
    "training": {
        "sequence_length": 32,
        "batch_sequences": 4,
        "micro_batch_sequences": 4,
        "learning_rate": 0.003,
        "precision": "fp32",
        "checkpoint_every": 50,
        "state_every": 7,
        "log_every": 20,
    },
}


@pytest.fixture(scope="module")
def inputs(tiny):
    shards = {"a": tiny.shard("a", 900, 1), "b": tiny.shard("b", 200, 2)}
    return {"parent": tiny.checkpoint("init", 0), "shards": shards}


def with_training(**changes):
    return RECIPE | {"training": RECIPE["training"] | changes}


def train(inputs, out, recipe=RECIPE):
    torch.set_num_threads(1)
    train_model(
        inputs["parent"],
        {corpus: [shard] for corpus, shard in inputs["shards"].items()},
        recipe,
        Training.model_validate(recipe["training"]),
        ARCHITECTURE,
        model_folder=out / "model",
        checkpoints_folder=out / "checkpoints",
        work=out / "work",
    )
    return sha256_file(out / "model/model.safetensors")


def start(inputs, out):
    """The same training in a process of its own."""
    out.mkdir(exist_ok=True)
    spec = {
        "parent": str(inputs["parent"]),
        "shards": {corpus: str(shard) for corpus, shard in inputs["shards"].items()},
        "recipe": RECIPE,
        "architecture": ARCHITECTURE.model_dump(),
        "out": str(out),
    }
    (out / "job.json").write_text(json.dumps(spec), encoding="utf-8")
    script = Path(__file__).with_name("run_training.py")
    return subprocess.Popen([sys.executable, str(script), str(out / "job.json")], stderr=subprocess.DEVNULL)


def wait_for_state(process, out, step):
    deadline = time.monotonic() + 60
    while not any(int(p.name.split("-")[1]) >= step for p in out.glob("work/*/state-*")):
        assert process.poll() is None, (out / "log").read_text(encoding="utf-8")
        assert time.monotonic() < deadline
        time.sleep(0.002)


@pytest.fixture(scope="module")
def uninterrupted(inputs, tmp_path_factory):
    out = tmp_path_factory.mktemp("whole")
    train(inputs, out)
    return out


def test_killed_with_9_it_resumes_and_ends_with_the_same_bits(inputs, uninterrupted, tmp_path):
    process = start(inputs, tmp_path)
    wait_for_state(process, tmp_path, 20)
    process.kill()
    assert process.wait() == -signal.SIGKILL
    assert not (tmp_path / "model").exists()
    again = start(inputs, tmp_path)
    assert again.wait() == 0
    assert "resuming after step" in (tmp_path / "log").read_text(encoding="utf-8")
    for name in ("model/model.safetensors", "checkpoints/step-000050/model.safetensors"):
        assert sha256_file(tmp_path / name) == sha256_file(uninterrupted / name)
    steps = [json.loads(line)["step"] for line in (tmp_path / "model/training_log.jsonl").open()]
    assert steps == sorted(set(steps)), "the log has every logged step once"


def test_sigterm_saves_the_state_and_asks_to_be_run_again(inputs, uninterrupted, tmp_path):
    process = start(inputs, tmp_path)
    wait_for_state(process, tmp_path, 7)
    process.terminate()
    assert process.wait() == AGAIN
    assert start(inputs, tmp_path).wait() == 0
    assert sha256_file(tmp_path / "model/model.safetensors") == sha256_file(uninterrupted / "model/model.safetensors")


def test_a_damaged_state_is_ignored(inputs, uninterrupted, tmp_path):
    process = start(inputs, tmp_path)
    wait_for_state(process, tmp_path, 20)
    process.kill()
    process.wait()
    for state in tmp_path.glob("work/*/state-*/state.safetensors"):
        data = bytearray(state.read_bytes())
        data[-1] ^= 1
        state.write_bytes(data)
    assert train(inputs, tmp_path) == sha256_file(uninterrupted / "model/model.safetensors")


def test_what_another_configuration_left_behind_is_not_resumed_from(inputs, tmp_path):
    process = start(inputs, tmp_path)
    wait_for_state(process, tmp_path, 14)
    process.kill()
    process.wait()
    changed = with_training(learning_rate=0.001)
    assert train(inputs, tmp_path, changed) == train(inputs, tmp_path / "fresh", changed)


def test_the_work_folder_is_gone_and_artifacts_verify(uninterrupted):
    assert sorted(p.name for p in uninterrupted.iterdir()) == ["checkpoints", "model"]
    facts = verify(uninterrupted / "model").facts
    verify(uninterrupted / "checkpoints")
    verify(uninterrupted / "checkpoints/step-000050")
    assert facts["tokens"] == facts["steps"] * 4 * 32
    saved = sorted(path.name for path in (uninterrupted / "checkpoints").glob("step-*"))
    assert saved == [f"step-{step:06d}" for step in range(50, facts["steps"], 50)]
    assert read_manifest(uninterrupted / "model").provenance["wall_seconds"] > 0.5, "the training is counted"
    assert facts["flops"] == training_flops(ARCHITECTURE, VOCABULARY, 1, facts["steps"] * 4, 32)


def test_it_learns(uninterrupted):
    entries = [json.loads(line) for line in (uninterrupted / "model/training_log.jsonl").open()]
    assert entries[0]["loss"] == pytest.approx(math.log(VOCABULARY), rel=0.05)
    assert entries[-1]["loss"] < entries[0]["loss"] - 1.5
    assert {"step", "loss", "learning_rate", "gradient_norm", "tokens", "tokens_per_second"} <= entries[-1].keys()


def test_the_micro_batch_changes_rounding_only(inputs, uninterrupted, tmp_path):
    train(inputs, tmp_path, with_training(micro_batch_sequences=1))
    losses = [
        [json.loads(line)["loss"] for line in (out / "model/training_log.jsonl").open()]
        for out in (uninterrupted, tmp_path)
    ]
    assert losses[0] == pytest.approx(losses[1], abs=2e-3)


def test_too_little_text_for_one_step_is_said(inputs, tmp_path):
    with pytest.raises(GrowmergeError, match=r"fewer than training.batch_sequences = 100000"):
        train(inputs, tmp_path, with_training(batch_sequences=100000))


def test_a_loss_that_is_not_finite_stops_before_the_optimizer_step(inputs, tmp_path):
    with pytest.raises(GrowmergeError, match=r"step \d+: the loss is .* Lower training.learning_rate"):
        train(inputs, tmp_path, with_training(learning_rate=1e30, gradient_clip=1e30))
    assert not (tmp_path / "model").exists()


def test_a_damaged_parent_is_refused(tiny, inputs, tmp_path):
    parent = tiny.checkpoint("damaged", 0)
    weights = bytearray((parent / "model.safetensors").read_bytes())
    weights[-3] ^= 4
    (parent / "model.safetensors").write_bytes(weights)
    with pytest.raises(GrowmergeError, match=r"damaged.model.safetensors: its bytes differ"):
        train(inputs | {"parent": parent}, tmp_path)


def test_a_clone_logs_the_asymmetry_of_its_blocks(tiny, inputs, tmp_path):
    from growmerge.artifacts import publish
    from growmerge.models.checkpoints import save_checkpoint

    clone = tiny.folder / "models/clone"
    with publish(clone) as draft:
        model = hyperclone(load_checkpoint(inputs["parent"]), 2, snr_db=10.0)
        save_checkpoint(model, draft.folder, inputs["parent"])
    train(inputs | {"parent": clone}, tmp_path, RECIPE | {"width": 2, "phases": [{"b": 1}]})
    entries = [json.loads(line) for line in (tmp_path / "model/training_log.jsonl").open()]
    assert all(entry["block_asymmetry"] > 0.05 for entry in entries)


def trajectory(model, batch, *, width, divisor, clip):
    """Losses of 20 steps on one batch, with the loop's own optimizer; `divisor` divides the logits at run time."""
    training = Training.model_validate(RECIPE["training"])
    optimizer = make_optimizer(model, training, width)
    losses = []
    for _ in range(20):
        for group in optimizer.param_groups:
            group["lr"] = 0.003 * group["scale"]
        if divisor == 1:
            losses.append(backward(model, batch, batch[:, 1:].numel(), "fp32").item())
            unfold_gradient(model, width)
        else:
            logits = model(batch[:, :-1]).logits / divisor
            loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), batch[:, 1:].flatten())
            loss.backward()
            losses.append(loss.item())
        torch.nn.utils.clip_grad_norm_(model.parameters(), clip)
        optimizer.step()
        optimizer.zero_grad()
    return losses


@pytest.mark.parametrize("clip", [1e9, 0.1])
def test_the_folded_norm_trains_as_if_logits_were_divided_at_run_time(clip):
    """A clone with a folded head and one that divides its logits take the same trajectory, clipped or not."""
    torch.manual_seed(0)
    batch = torch.randint(0, VOCABULARY, (4, 33))
    source = initialise(llama_config(ARCHITECTURE, VOCABULARY, 0, 0), 3)
    folded, divided = hyperclone(source, 2), hyperclone(source, 2)
    with torch.no_grad():
        divided.model.norm.weight *= 2
    ours = trajectory(folded, batch, width=2, divisor=1, clip=clip)
    theirs = trajectory(divided, batch, width=1, divisor=2, clip=clip)
    assert ours == pytest.approx(theirs, abs=1e-4)
    assert ours[-1] < ours[0] - 0.5


def test_nothing_is_folded_into_the_norm_of_an_untied_clone():
    untied = ARCHITECTURE.model_copy(update={"tie_word_embeddings": False})
    clone = hyperclone(initialise(llama_config(untied, VOCABULARY, 0, 0), 3), 2)
    optimizer = make_optimizer(clone, Training.model_validate(RECIPE["training"]), 2)
    assert {group["scale"] for group in optimizer.param_groups} == {1.0}
    assert {group["weight_decay"] for group in optimizer.param_groups} == {0.01}


def test_loss_and_gradients_in_chunks_are_those_of_the_whole_batch(monkeypatch):
    batch = torch.randint(0, VOCABULARY, (4, 33), generator=torch.Generator().manual_seed(0))
    model = initialise(llama_config(ARCHITECTURE, VOCABULARY, 0, 0), 3)
    monkeypatch.setattr("growmerge.models.logits.ON_CPU", 7 * VOCABULARY)
    loss = backward(model, batch, 128, "fp32")
    ours = {name: p.grad.clone() for name, p in model.named_parameters()}
    model.zero_grad()
    whole = model(batch[:, :-1], labels=None).logits
    expected = torch.nn.functional.cross_entropy(whole.flatten(0, 1), batch[:, 1:].flatten())
    expected.backward()
    assert loss.item() == pytest.approx(expected.item(), rel=1e-6)
    for name, parameter in model.named_parameters():
        torch.testing.assert_close(ours[name], parameter.grad, rtol=1e-4, atol=1e-7)


def test_batches_are_a_function_of_seed_and_step(inputs):
    from growmerge.training.batches import micro_batches

    corpora = {name: TokenCorpus([shard], 32) for name, shard in inputs["shards"].items()}
    sizes = {name: len(corpus) for name, corpus in corpora.items()}
    mixture = Mixture([Phase((Component("a"), Component("b")))], sizes, seed=5)
    whole = torch.cat(list(micro_batches(mixture, corpora, 3, 8, 8)))
    pieces = torch.cat(list(micro_batches(mixture, corpora, 3, 8, 3)))
    assert whole.shape == (8, 33)
    assert torch.equal(whole, pieces)
    assert not torch.equal(whole, torch.cat(list(micro_batches(mixture, corpora, 4, 8, 8))))


def test_the_schedule_warms_up_holds_and_decays():
    s = schedule(peak=0.003, steps=6279, warmup_share=0.002, warmup_min_steps=10, decay_share=0.2)
    rates = [s.learning_rate(step) for step in range(6279)]
    assert (s.warmup, s.decay) == (13, 1256)
    assert rates[0] == pytest.approx(0.003 / 13)
    assert rates[12] == rates[5000] == 0.003
    assert all(a > b > 0 for a, b in pairwise(rates[5022:]))
    assert rates[-1] < 0.003 / 1000


def test_a_very_short_run_is_not_all_warm_up():
    s = schedule(peak=1.0, steps=20, warmup_share=0.002, warmup_min_steps=10, decay_share=0.2)
    assert (s.warmup, s.decay) == (2, 4)


def test_parameters_of_the_paper():
    from growmerge.config import load_files

    study = load_files(Path(__file__).parents[2] / "config/config.yaml")
    assert parameters(study.architecture, 128256, 1) == 180_078_912
    assert parameters(study.architecture, 128256, 2) == 572_494_464


def test_parameters_and_flops_agree_with_a_model():
    model = initialise(llama_config(ARCHITECTURE, VOCABULARY, 0, 0), 0)
    assert parameters(ARCHITECTURE, VOCABULARY) == sum(p.numel() for p in model.parameters())
    from torch.utils.flop_counter import FlopCounterMode

    model.set_attn_implementation("eager")
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(torch.zeros(2, 32, dtype=torch.long))
    from growmerge.models.cost import forward_flops

    rope = 2 * 8 / 2 * 32  # transformers computes the rotary angles by a matrix product
    assert forward_flops(ARCHITECTURE, VOCABULARY, 1, 2, 32) == pytest.approx(counter.get_total_flops(), abs=4 * rope)


def test_manifest_of_a_model_names_inputs_commit_and_recipe(inputs, uninterrupted):
    manifest = read_manifest(uninterrupted / "model")
    assert manifest.inputs[str(inputs["parent"])] == read_manifest(inputs["parent"]).digest
    assert manifest.config == RECIPE
    assert manifest.provenance["commit"]
    assert manifest.provenance["versions"]["torch"] == torch.__version__
