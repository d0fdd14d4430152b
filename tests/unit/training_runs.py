"""A small training that several tests run: in the process, or in processes of its own that can be killed."""

import json
import os
import subprocess
import sys
import time
from functools import cache
from pathlib import Path

import torch
from conftest import ARCHITECTURE

from growmerge import fork_server
from growmerge.artifacts import sha256_file
from growmerge.config.training import Training
from growmerge.study.recipe import Recipe
from growmerge.training.launch import command
from growmerge.training.train import train_model
from growmerge.training.worker import TrainingJob

SCRIPT = Path(__file__).with_name("training_script.py")
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


def with_training(**changes):
    return RECIPE | {"training": RECIPE["training"] | changes}


def make_inputs(tiny):
    shards = {"a": tiny.shard("a", 900, 1), "b": tiny.shard("b", 200, 2)}
    return {"parent": tiny.checkpoint("init", 0), "shards": shards}


def train(inputs, out, recipe=RECIPE):
    torch.set_num_threads(1)
    train_model(
        inputs["parent"],
        {corpus: [shard] for corpus, shard in inputs["shards"].items()},
        Recipe.read(recipe),
        Training.model_validate(recipe["training"]),
        ARCHITECTURE,
        model_folder=out / "model",
        checkpoints_folder=out / "checkpoints",
        work=out / "work",
    )
    return weights(out)


def weights(out):
    return sha256_file(out / "model/model.safetensors")


def task(inputs, out, recipe=RECIPE):
    """The same as a file for a process of its own."""
    out.mkdir(parents=True, exist_ok=True)
    spec = TrainingJob(
        parent=inputs["parent"],
        shards={corpus: [shard] for corpus, shard in inputs["shards"].items()},
        recipe=recipe,
        training=recipe["training"],
        architecture=ARCHITECTURE,
        model=out / "model",
        checkpoints=out / "checkpoints",
        work=out / "work",
        log=out / "log",
        compiled=out / "compiled",
        name="2x/swe",
    )
    (out / "job.json").write_text(spec.model_dump_json(), encoding="utf-8")
    return out / "job.json"


@cache
def forking():
    """The environment of a process that hands its script over to a fork server, which has imported torch."""
    fork_server.start()
    return {fork_server.FOLDER: os.environ.pop(fork_server.FOLDER, fork_server.OFF), "OMP_NUM_THREADS": "1"}


def start(inputs, out, recipe=RECIPE, ranks=1, forked=True, **options):
    """The same training in a process of its own, as a job's script or not `forked`, or in so many under torchrun."""
    file = task(inputs, out, recipe)
    if ranks > 1:
        arguments = command(file, processes=ranks, nodes=1, threads=1)
    elif forked:
        arguments = [sys.executable, str(SCRIPT), str(file)]
        options["env"] = options.get("env", os.environ) | forking()
    else:
        arguments = [sys.executable, "-m", "growmerge.training.worker", str(file)]
    return subprocess.Popen(arguments, **{"stderr": subprocess.DEVNULL} | options)


def finish(process, out):
    assert process.wait() == 0, said(out)


def said(out):
    """The job's log."""
    return (out / "log").read_text(encoding="utf-8") if (out / "log").exists() else "no log"


def logged(out):
    """The lines of the training log."""
    return [json.loads(line) for line in (out / "model/training_log.jsonl").open(encoding="utf-8")]


def wait_for_state(process, out, step):
    deadline = time.monotonic() + 120
    while not any(int(p.name.split("-")[1]) >= step for p in out.glob("work/*/state-*")):
        assert process.poll() is None, said(out)
        assert time.monotonic() < deadline
        time.sleep(0.002)
