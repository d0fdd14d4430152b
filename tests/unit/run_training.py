"""Trains as rule train_model does, in a process of its own that a test can kill: run_training.py JOB.json"""

import json
import sys
from pathlib import Path

import torch

from growmerge.config.schema import Architecture, Training
from growmerge.job import job
from growmerge.training.train import train_model

if __name__ == "__main__":
    torch.set_num_threads(1)
    spec = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    out = Path(spec["out"])
    with job(out / "log"):
        train_model(
            Path(spec["parent"]),
            {corpus: [Path(shard)] for corpus, shard in spec["shards"].items()},
            spec["recipe"],
            Training.model_validate(spec["recipe"]["training"]),
            Architecture.model_validate(spec["architecture"]),
            model_folder=out / "model",
            checkpoints_folder=out / "checkpoints",
            work=out / "work",
        )
