"""Training resumes exactly, stops before harm, and does not depend on how a batch is cut."""

import logging
import math
import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest
import torch
from conftest import ARCHITECTURE, VOCABULARY
from training_runs import (
    RECIPE,
    finish,
    logged,
    make_inputs,
    said,
    start,
    task,
    train,
    wait_for_state,
    weights,
    with_training,
)

from growmerge.artifacts import read_manifest, sha256_file, verify
from growmerge.config.training import Training
from growmerge.errors import GrowmergeError
from growmerge.models.checkpoints import load_checkpoint
from growmerge.models.hyperclone import hyperclone
from growmerge.models.initialise import initialise, llama_config
from growmerge.study.flops import training_flops
from growmerge.study.schedule import schedule
from growmerge.training import train as training
from growmerge.training import worker
from growmerge.training.gradient import Gradient
from growmerge.training.lease import trainers
from growmerge.training.loop import Run
from growmerge.training.optimizer import make_optimizer, unfold_gradient
from growmerge.training.state import newest_state, save_state
from growmerge.training.stopping import AGAIN, DIVERGED, SIGNALS, Diverged, stop_on_signal
from growmerge.training.worker import TrainingJob


@pytest.fixture(scope="module")
def inputs(tiny):
    return make_inputs(tiny)


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
    newest = max(tmp_path.glob("work/*/state-*"))
    half = newest.with_name(".state-00000099.partial")  # killed while it wrote a state
    half.mkdir(exist_ok=True)
    (half / "state.safetensors").write_bytes(b"half of")
    again = start(inputs, tmp_path)
    finish(again, tmp_path)
    assert f"resuming after step {int(newest.name.removeprefix('state-'))}\n" in said(tmp_path), "one interval is lost"
    for name in ("model/model.safetensors", "checkpoints/step-000050/model.safetensors"):
        assert sha256_file(tmp_path / name) == sha256_file(uninterrupted / name)
    steps = [entry["step"] for entry in logged(tmp_path)]
    assert steps == sorted(set(steps)), "the log has every logged step once"


@pytest.mark.slow
def test_sigterm_saves_the_state_and_asks_to_be_run_again(inputs, uninterrupted, tmp_path):
    process = start(inputs, tmp_path)
    wait_for_state(process, tmp_path, 7)
    process.terminate()
    assert process.wait() == AGAIN
    (own,) = tmp_path.glob("work/????????????????")
    (own / "checkpoints/step-000003").mkdir(parents=True)  # of an attempt with another interval
    finish(start(inputs, tmp_path), tmp_path)
    assert weights(tmp_path) == weights(uninterrupted)
    names = [sorted(path.name for path in (out / "checkpoints").iterdir()) for out in (tmp_path, uninterrupted)]
    assert names[0] == names[1]


@pytest.mark.slow
def test_ctrl_c_saves_the_state_and_ends_without_a_traceback(inputs, uninterrupted, tmp_path):
    process = start(inputs, tmp_path, stderr=subprocess.PIPE, text=True)
    wait_for_state(process, tmp_path, 7)
    process.send_signal(signal.SIGINT)
    _, printed = process.communicate()
    assert process.returncode == AGAIN
    assert "interrupted by SIGINT; the next attempt goes on after step" in printed
    assert "Traceback" not in printed
    finish(start(inputs, tmp_path), tmp_path)
    assert weights(tmp_path) == weights(uninterrupted)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGUSR1, signal.SIGHUP])
def test_other_signals_do_the_same_between_the_intervals(inputs, uninterrupted, tmp_path, number):
    """Nothing but the step that it was in is lost."""
    seldom = with_training(state_every=10**6, state_minutes=1e-4)  # 6 ms: every step or second step
    process = start(inputs, tmp_path, seldom)
    wait_for_state(process, tmp_path, 3)
    process.send_signal(number)
    assert process.wait() == AGAIN
    assert f"interrupted by {number.name}" in said(tmp_path)
    assert len(list(tmp_path.glob("work/*/state-*"))) == 2, "older ones are removed"
    finish(start(inputs, tmp_path, seldom), tmp_path)
    assert weights(tmp_path) == weights(uninterrupted)


@pytest.mark.parametrize(("before", "stops"), [(signal.SIG_IGN, False), (signal.SIG_DFL, True)])
def test_under_nohup_a_training_outlives_its_terminal(before, stops):
    previous = signal.signal(signal.SIGHUP, before)
    try:
        with stop_on_signal() as request:
            signal.raise_signal(signal.SIGHUP)
        assert bool(request) == stops
    finally:
        signal.signal(signal.SIGHUP, previous)


def test_a_damaged_state_is_ignored(inputs, uninterrupted, tmp_path):
    process = start(inputs, tmp_path)
    wait_for_state(process, tmp_path, 20)
    process.kill()
    process.wait()
    for state in tmp_path.glob("work/*/state-*/state.safetensors"):
        data = bytearray(state.read_bytes())
        data[-1] ^= 1
        state.write_bytes(data)
    assert train(inputs, tmp_path) == weights(uninterrupted)


def test_a_signal_only_asks_for_an_end_and_afterwards_does_what_it_did_before():
    before = [signal.getsignal(number) for number in SIGNALS]
    for number in SIGNALS:
        with stop_on_signal() as request:
            assert not request
            signal.raise_signal(number)
            assert request.signal == number.name
    assert [signal.getsignal(number) for number in SIGNALS] == before


def test_the_newest_whole_state_is_found_and_older_ones_are_removed(tmp_path):
    model = initialise(llama_config(ARCHITECTURE, VOCABULARY, 0, 0), 3)
    optimizer = make_optimizer(model, Training.model_validate(RECIPE["training"]), 1)
    for step in (8, 9, 10, 100):
        save_state(tmp_path, step, model, optimizer, kept=3)
    states = sorted(tmp_path.iterdir())
    assert [read_manifest(state).facts["step"] for state in states] == [9, 10, 100]
    assert newest_state(tmp_path) == states[-1]
    for damaged, before in ((states[2], states[1]), (states[1], states[0]), (states[0], None)):
        os.truncate(damaged / "state.safetensors", 100)
        assert newest_state(tmp_path) == before


@pytest.mark.slow
def test_what_another_configuration_left_behind_is_not_resumed_from(inputs, tmp_path):
    process = start(inputs, tmp_path)
    wait_for_state(process, tmp_path, 14)
    process.kill()
    process.wait()
    changed = with_training(learning_rate=0.001)
    assert train(inputs, tmp_path, changed) == train(inputs, tmp_path / "fresh", changed)


SHORT = RECIPE | {"phases": [{"b": 1}]}


def test_a_model_that_another_recipe_or_parent_made_does_not_count_as_made(tiny, inputs, tmp_path):
    """A job that waited for another one looks whether that has made its model."""
    first = train(inputs, tmp_path, SHORT)
    others = inputs | {"parent": tiny.checkpoint("another", 5)}
    assert train(others, tmp_path, SHORT) != first
    assert train(inputs, tmp_path, SHORT) == first
    (tmp_path / "model/manifest.json").unlink()
    train(inputs, tmp_path, SHORT)
    assert verify(tmp_path / "model").facts["steps"] > 0, "its checkpoints alone are not the model"


def test_the_lease_is_held_until_all_is_published(inputs, tmp_path, monkeypatch):
    save, held = training.save_checkpoint, []

    def look_and_save(*arguments):
        held.append(list(trainers(tmp_path)))
        save(*arguments)

    monkeypatch.setattr(training, "save_checkpoint", look_and_save)
    train(inputs, tmp_path, SHORT)
    assert held == [["work"]]


def test_gradients_are_clipped_and_their_norm_before_is_logged(inputs, tmp_path):
    clipped = SHORT | {"training": RECIPE["training"] | {"gradient_clip": 1e-4}}
    assert train(inputs, tmp_path / "clipped", clipped) != train(inputs, tmp_path / "free", SHORT)
    norms = [logged(tmp_path / name)[0]["gradient_norm"] for name in ("clipped", "free")]
    assert norms[0] == norms[1] > 1e-3


def test_the_first_and_the_last_step_are_logged_with_the_rate_that_they_took(inputs, tmp_path):
    train(inputs, tmp_path, SHORT | {"training": RECIPE["training"] | {"log_every": 10**6}})
    first, last = logged(tmp_path)
    steps = read_manifest(tmp_path / "model").facts["steps"]
    assert (first["step"], last["step"]) == (1, steps)
    plan = schedule(Training.model_validate(RECIPE["training"]), steps)
    assert first["learning_rate"] == plan.learning_rate(0)
    assert last["learning_rate"] == plan.learning_rate(steps - 1) > 0


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
    assert facts["sequences_repeated"] == facts["steps"] * 4 - sum(facts["sequences"].values()) > 0


def test_it_learns(uninterrupted):
    entries = logged(uninterrupted)
    assert entries[0]["loss"] == pytest.approx(math.log(VOCABULARY), rel=0.05)
    assert entries[-1]["loss"] < entries[0]["loss"] - 1.5
    assert {"step", "loss", "learning_rate", "gradient_norm", "tokens", "tokens_per_second"} <= entries[-1].keys()


def test_the_micro_batch_changes_rounding_only(inputs, uninterrupted, tmp_path):
    train(inputs, tmp_path, with_training(micro_batch_sequences=1))
    losses = [[entry["loss"] for entry in logged(out)] for out in (uninterrupted, tmp_path)]
    assert losses[0] == pytest.approx(losses[1], abs=2e-3)


def test_too_little_text_for_one_step_is_said(inputs, tmp_path):
    with pytest.raises(GrowmergeError, match=r"fewer than training.batch_sequences = 100000"):
        train(inputs, tmp_path, with_training(batch_sequences=100000))


def test_a_loss_that_is_not_finite_stops_before_the_optimizer_step(inputs, tmp_path):
    recipe = with_training(learning_rate=1, weight_decay=1e30)
    message = r"step \d+: the loss is .*; on rank 0 in sequences a:\d+, .* Lower training.learning_rate"
    with pytest.raises(Diverged, match=message):
        train(inputs, tmp_path, recipe)
    assert not (tmp_path / "model").exists()


@pytest.mark.parametrize("which", ["loss", "norm"])
def test_either_number_that_is_not_finite_stops_a_training(inputs, tmp_path, monkeypatch, which):
    class Broken(Gradient):
        """One of its two numbers is infinite, the other is as it should be."""

        def add(self, batch, denominator):
            loss = super().add(batch, denominator)
            if which == "loss":
                return loss + math.inf
            self.model.model.norm.weight.grad[0] = math.inf
            return loss

    monkeypatch.setattr(Run, "gradient_type", Broken)
    said = {"loss": r"inf and the gradient norm \d", "norm": r"\d\S+ and the gradient norm inf"}
    with pytest.raises(Diverged, match=f"step 1: the loss is {said[which]}"):
        train(inputs, tmp_path, SHORT)
    assert not list(tmp_path.glob("work/*/state-*"))


def test_what_diverged_is_not_tried_again_until_something_changes(tiny, inputs, tmp_path):
    recipe = with_training(learning_rate=1, weight_decay=1e30)
    (tmp_path / "work/of another configuration/state-00000001").mkdir(parents=True)
    with pytest.raises(Diverged) as first:
        train(inputs, tmp_path, recipe)
    (own,) = filter(Path.is_dir, (tmp_path / "work").iterdir())  # work of others is removed when a training begins
    with pytest.raises(SystemExit) as again:
        worker.train(TrainingJob.model_validate_json(task(inputs, tmp_path, recipe).read_text(encoding="utf-8")))
    assert again.value.code == DIVERGED
    assert str(first.value) in said(tmp_path)
    assert "sequences, " not in said(tmp_path), "it does not even open the corpora"
    with pytest.raises(Diverged, match=r"on rank 0 in sequences"):
        train(inputs | {"parent": tiny.checkpoint("another", 5)}, tmp_path, recipe)
    assert not own.exists(), "with another parent it is another training, and is tried"
    train(inputs, tmp_path, with_training(learning_rate=0.001) | {"phases": [{"b": 1}]})


def test_a_damaged_parent_is_refused(tiny, inputs, tmp_path):
    parent = tiny.checkpoint("damaged", 0)
    weights = bytearray((parent / "model.safetensors").read_bytes())
    weights[-3] ^= 4
    (parent / "model.safetensors").write_bytes(weights)
    with pytest.raises(GrowmergeError, match=r"damaged.model.safetensors: its bytes differ"):
        train(inputs | {"parent": parent}, tmp_path)


def train_clone(inputs, folder, snr_db):
    """Clone the parent, train the clone for one epoch of `b`; the lines of its log."""
    from growmerge.artifacts import publish
    from growmerge.models.checkpoints import save_checkpoint

    with publish(folder / "clone") as draft:
        model = hyperclone(load_checkpoint(inputs["parent"]), 2, snr_db=snr_db)
        save_checkpoint(model, draft.folder, inputs["parent"])
    train(inputs | {"parent": folder / "clone"}, folder, RECIPE | {"width": 2, "phases": [{"b": 1}]})
    return logged(folder)


def test_a_clone_logs_the_asymmetry_of_its_blocks(inputs, tmp_path):
    assert all(entry["block_asymmetry"] > 0.05 for entry in train_clone(inputs, tmp_path, snr_db=10.0))
    micro_batch = read_manifest(tmp_path / "model").facts["micro_batch_sequences"]
    assert micro_batch == RECIPE["training"]["micro_batch_sequences"] // 2, "twice the width, as much memory"


def test_a_clone_without_noise_keeps_its_copies_and_is_warned_of(inputs, tmp_path, caplog, monkeypatch):
    monkeypatch.setattr(logging.getLogger("growmerge"), "propagate", True)
    assert {entry["block_asymmetry"] for entry in train_clone(inputs, tmp_path, snr_db=None)} == {0.0}
    # Two handlers may catch one record: the test's own, and the root's since a job ran.
    warned = {r.getMessage() for r in caplog.records if "are still exactly equal (block asymmetry 0)" in r.getMessage()}
    assert len(warned) == 1


def trajectory(model, batch, *, width, divisor, clip):
    """Losses of 20 steps on one batch, with the loop's own optimizer; `divisor` divides the logits at run time."""
    training = Training.model_validate(RECIPE["training"])
    optimizer = make_optimizer(model, training, width)
    losses = []
    for _ in range(20):
        for group in optimizer.param_groups:
            group["lr"] = 0.003 * group["scale"]
        if divisor == 1:
            losses.append(Gradient(model, "fp32").add(batch, batch[:, 1:].numel()).item())
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
    loss = Gradient(model, "fp32").add(batch, 128)
    ours = {name: p.grad.clone() for name, p in model.named_parameters()}
    model.zero_grad()
    whole = model(batch[:, :-1], labels=None).logits
    expected = torch.nn.functional.cross_entropy(whole.flatten(0, 1), batch[:, 1:].flatten())
    expected.backward()
    assert loss.item() == pytest.approx(expected.item(), rel=1e-6)
    for name, parameter in model.named_parameters():
        torch.testing.assert_close(ours[name], parameter.grad, rtol=1e-4, atol=1e-7)


def test_a_parent_with_another_tokenizer_is_refused(inputs, tiny, tmp_path):
    from growmerge.artifacts import publish
    from growmerge.data.tokenizer import save_tokenizer, train_tokenizer

    with publish(tmp_path / "tokenizer") as draft:
        save_tokenizer(train_tokenizer(["other words for other tokens"] * 50, 300), draft.folder)
    shard = tmp_path / "tokens"
    with publish(shard, inputs=[tmp_path / "tokenizer"]) as draft:
        shutil.copy(inputs["shards"]["a"] / "tokens.arrow", draft.folder)
        draft.facts |= read_manifest(inputs["shards"]["a"]).facts
    with pytest.raises(GrowmergeError, match=r"its tokenizer is not the one that made the token shards"):
        train(inputs | {"shards": {"a": shard, "b": inputs["shards"]["b"]}}, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_manifest_of_a_model_names_inputs_commit_and_recipe(inputs, uninterrupted):
    manifest = read_manifest(uninterrupted / "model")
    assert manifest.inputs[str(inputs["parent"])] == read_manifest(inputs["parent"]).digest
    assert manifest.config == RECIPE
    assert manifest.provenance["commit"]
    assert manifest.provenance["versions"]["torch"] == torch.__version__
