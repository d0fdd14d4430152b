"""Several ranks train what one rank trains: the same batches, the same losses, and each resumes what the other left."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from conftest import ARCHITECTURE, VOCABULARY
from training_runs import finish, logged, make_inputs, said, start, task, train, wait_for_state, with_training

from growmerge.artifacts import publish, read_manifest
from growmerge.data.mixture import Mixture
from growmerge.data.shards import TokenCorpus
from growmerge.models.checkpoints import load_checkpoint, save_checkpoint
from growmerge.models.initialise import initialise, llama_config
from growmerge.study.phases import Component, Phase
from growmerge.training.batches import AHEAD, read_ahead, sequences
from growmerge.training.launch import command
from growmerge.training.ranks import Ranks
from growmerge.training.stopping import AGAIN

# Five sequences are no multiple of two ranks, and three of no micro-batch of two.
RECIPE = with_training(batch_sequences=5, micro_batch_sequences=2, log_every=1, state_every=4)


@pytest.fixture(scope="module")
def inputs(tiny):
    return make_inputs(tiny)


@pytest.fixture(scope="module")
def alone(inputs, tmp_path_factory):
    out = tmp_path_factory.mktemp("alone")
    train(inputs, out, RECIPE)
    return out


def assert_trained_alike(out, other):
    """Same steps, losses and weights, but for the rounding of sums in another order."""
    assert [e["step"] for e in logged(out)] == [e["step"] for e in logged(other)]
    assert [e["loss"] for e in logged(out)] == pytest.approx([e["loss"] for e in logged(other)], abs=2e-3)
    assert [e["learning_rate"] for e in logged(out)] == [e["learning_rate"] for e in logged(other)]
    ours, theirs = (load_checkpoint(folder / "model").state_dict() for folder in (out, other))
    for name, tensor in ours.items():
        torch.testing.assert_close(tensor, theirs[name], rtol=0, atol=0.02, msg=lambda m, name=name: f"{name}: {m}")
        assert torch.nn.functional.cosine_similarity(tensor.flatten(), theirs[name].flatten(), dim=0) > 0.9999


@pytest.mark.parametrize("size", range(1, 8))
@pytest.mark.parametrize("batch", [1, 5, 6, 13])
def test_ranks_share_a_batch_exactly_and_evenly(size, batch):
    shares = [Ranks(torch.device("cpu"), rank, size).share(batch) for rank in range(size)]
    assert [position for share in shares for position in share] == list(range(batch))
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


def test_batches_are_a_function_of_seed_and_step_however_they_are_shared(inputs):
    corpora = {name: TokenCorpus([shard], 32) for name, shard in inputs["shards"].items()}
    sizes = {name: len(corpus) for name, corpus in corpora.items()}
    mixture = Mixture([Phase((Component("a"), Component("b")))], sizes, seed=5, batch=8)
    whole = sequences(mixture, corpora, range(24, 32))
    pieces = torch.cat([sequences(mixture, corpora, range(24, 27)), sequences(mixture, corpora, range(27, 32))])
    assert whole.shape == (8, 33)
    assert torch.equal(whole, pieces)
    assert [row.tolist() for row in whole] == [
        corpora[c].sequence(i).tolist() for c, i in map(mixture.at, range(24, 32))
    ]
    assert not torch.equal(whole, sequences(mixture, corpora, range(32, 40)))


def test_reading_ahead_keeps_the_order_and_a_limit():
    asked = []

    def load(step):
        asked.append(step)
        return torch.tensor(step)

    batches = read_ahead(load, range(3, 40))
    assert [int(next(batches)) for _ in range(5)] == [3, 4, 5, 6, 7]
    batches.close()
    assert asked == sorted(asked)
    assert asked[-1] <= 7 + AHEAD


def test_an_error_while_reading_ahead_is_raised_at_its_step():
    def load(step):
        if step == 6:
            raise OSError("unreadable")
        return torch.tensor(step)

    batches = read_ahead(load, range(10))
    assert [int(next(batches)) for _ in range(6)] == list(range(6))
    with pytest.raises(OSError, match="unreadable"):
        next(batches)


def descendants(process):
    """Its children, and theirs."""
    children = [int(pid) for pid in Path(f"/proc/{process}/task/{process}/children").read_text().split()]
    return children + [pid for child in children for pid in descendants(child)]


def child_of(torchrun, rank):
    """The process of a rank."""
    own = f"\0RANK={rank}\0".encode()
    return next(pid for pid in descendants(torchrun.pid) if own in Path(f"/proc/{pid}/environ").read_bytes())


@pytest.mark.slow
def test_two_ranks_stop_together_and_one_goes_on(inputs, alone, tmp_path):
    """A signal that only the second rank gets stops both; what they saved is resumed by one process."""
    process = start(inputs, tmp_path, RECIPE, ranks=2)
    wait_for_state(process, tmp_path, 8)
    os.kill(child_of(process, rank=1), signal.SIGUSR1)
    assert process.wait() != 0
    assert "a signal to another rank" in said(tmp_path)
    train(inputs, tmp_path, RECIPE)
    assert_trained_alike(tmp_path, alone)


@pytest.mark.slow
def test_a_rank_that_dies_ends_the_others(inputs, tmp_path):
    process = start(inputs, tmp_path, RECIPE, ranks=2)
    wait_for_state(process, tmp_path, 4)
    os.kill(child_of(process, rank=1), signal.SIGKILL)
    assert process.wait(timeout=90) != 0
    assert not (tmp_path / "model").exists()


@pytest.mark.slow
def test_one_is_killed_and_two_ranks_go_on(inputs, alone, tmp_path):
    process = start(inputs, tmp_path, RECIPE)
    wait_for_state(process, tmp_path, 8)
    process.kill()
    process.wait()
    finish(start(inputs, tmp_path, RECIPE, ranks=2), tmp_path)
    assert "resuming after step" in said(tmp_path)
    assert_trained_alike(tmp_path, alone)
    assert read_manifest(tmp_path / "model").facts["sequences"] == read_manifest(alone / "model").facts["sequences"]
    assert len(list((tmp_path / "checkpoints").glob("step-*"))) == len(list((alone / "checkpoints").glob("step-*")))


@pytest.mark.slow
@pytest.mark.parametrize("whom", ["launcher alone", "every process, as Slurm does", "Ctrl-C"])
def test_the_launcher_passes_a_signal_on_and_asks_to_be_run_again(inputs, tmp_path, whom):
    file = task(inputs, tmp_path, RECIPE)
    arguments = command(file, processes=2, nodes=1, threads=2)
    launcher = f"import sys; from growmerge.training.launch import run; sys.exit(run({arguments!r}))"
    process = subprocess.Popen([sys.executable, "-c", launcher], stderr=subprocess.DEVNULL, process_group=0)
    wait_for_state(process, tmp_path, 8)
    if whom == "Ctrl-C":  # a terminal sends it to the process group
        os.killpg(process.pid, signal.SIGINT)
    else:
        for pid in [process.pid, *(descendants(process.pid) if whom != "launcher alone" else ())]:
            os.kill(pid, signal.SIGTERM)
    assert process.wait() == AGAIN
    assert re.search(r"interrupted by SIG(TERM|INT);", said(tmp_path))
    assert not (tmp_path / "model").exists()


@pytest.mark.slow
def test_ranks_of_two_nodes_find_each_other_and_train_what_one_does(inputs, tmp_path):
    """As srun starts them: torchrun once on each node, which the step's variables tell apart."""
    short = RECIPE | {"phases": [{"b": 1}]}
    arguments = command(task(inputs, tmp_path, short), processes=1, nodes=2, threads=1)
    torchrun = arguments[arguments.index("sh") :]
    assert arguments[0] == "srun"
    job = {"SLURM_LAUNCH_NODE_IPADDR": "127.0.0.1", "SLURM_JOB_ID": str(os.getpid())}
    nodes = [subprocess.Popen(torchrun, env=os.environ | job | {"SLURM_NODEID": str(node)}) for node in range(2)]
    assert [node.wait() for node in nodes] == [0, 0], said(tmp_path)
    assert read_manifest(tmp_path / "model").facts["ranks"] == 2
    train(inputs, tmp_path / "alone", short)
    assert_trained_alike(tmp_path, tmp_path / "alone")


@pytest.mark.slow
def test_a_number_that_is_not_finite_on_one_rank_stops_all_and_is_traced(tiny, inputs, tmp_path):
    """The embedding of one token is infinite; only sequences with it, so only some ranks in some steps, meet it."""
    untied = ARCHITECTURE.model_copy(update={"tie_word_embeddings": False})
    corpus = TokenCorpus([inputs["shards"]["b"]], 32)
    held = [set(corpus.sequence(index)[:-1].tolist()) for index in range(len(corpus))]
    rare = min(range(VOCABULARY), key=lambda token: (sum(token in one for one in held) or 10**6, token))
    with publish(tiny.folder / "models/broken") as draft:
        model = initialise(llama_config(untied, VOCABULARY, 0, 0), 0)
        with torch.no_grad():
            model.model.embed_tokens.weight[rare] = torch.inf
        save_checkpoint(model, draft.folder, tiny.folder / "tokenizer")
    broken = inputs | {"parent": tiny.folder / "models/broken"}
    process = start(broken, tmp_path, RECIPE | {"phases": [{"b": 1}]}, ranks=2)
    assert process.wait() != 0
    order = [index for _, index in Mixture([Phase((Component("b"),))], {"b": len(corpus)}, 1, 5).span(0, len(corpus))]
    place = next(place for place, index in enumerate(order) if rare in held[index])
    step, within = divmod(place, 5)
    rank = int(within >= 2)
    assert f"step {step + 1}: the loss is nan" in said(tmp_path)
    assert f"on rank {rank} in sequences" in said(tmp_path)
    assert f"b:{order[place]}" in said(tmp_path)
