"""A process that trains: alone, or as one of the ranks that torchrun starts.

`python -m growmerge.training.worker JOB.json` trains as the job's rule does, without Snakemake.
"""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path
from typing import Any

import torch
from pydantic import BaseModel, ConfigDict, field_serializer, field_validator

from growmerge.config.models import Architecture
from growmerge.config.training import Training
from growmerge.job import job
from growmerge.study.recipe import Recipe
from growmerge.training.lease import Occupied
from growmerge.training.stopping import AGAIN, DIVERGED, Diverged
from growmerge.training.train import train_model


class TrainingJob(BaseModel):
    """Everything that a training needs to know, as a JSON file can hold it.

    `shards` maps corpora to the folders of their token shards; `threads` are for each process; `compiled` is where
    torch.compile keeps its results (unless TORCHINDUCTOR_CACHE_DIR says so), for all models of a study. `name`, the id
    of the model, begins each line on the terminal, which trainings share.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    parent: Path
    shards: dict[str, list[Path]]
    recipe: Recipe
    training: Training
    architecture: Architecture
    model: Path
    checkpoints: Path
    work: Path
    log: Path
    compiled: Path
    threads: int = 1
    name: str = ""

    @field_validator("recipe", mode="before")
    @classmethod
    def _read(cls, recipe: Recipe | dict[str, Any]) -> Recipe:
        return recipe if isinstance(recipe, Recipe) else Recipe.read(recipe)

    @field_serializer("recipe")
    def _plain(self, recipe: Recipe) -> dict[str, Any]:
        return recipe.plain()


def train(task: TrainingJob) -> None:
    """Train. Exits with status 75 when interrupted or while another process trains the model, 65 when loss or gradient
    are not finite, 1 for another error."""
    torch.set_num_threads(min(task.threads, os.cpu_count() or 1))  # more than cores are many times slower
    os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(task.compiled.absolute()))
    first = os.environ.get("RANK", "0") == "0"
    with job(task.log if first else None, logging.INFO if first else logging.WARNING, name=task.name) as logger:
        try:
            train_model(
                task.parent,
                task.shards,
                task.recipe,
                task.training,
                task.architecture,
                model_folder=task.model,
                checkpoints_folder=task.checkpoints,
                work=task.work,
                tensorboard=task.log.with_suffix(".tensorboard") if task.training.tensorboard else None,
            )
        except (Diverged, Occupied) as error:
            logger.error("error: %s", error)
            sys.exit(DIVERGED if isinstance(error, Diverged) else AGAIN)


if __name__ == "__main__":
    train(TrainingJob.model_validate_json(Path(sys.argv[1]).read_text(encoding="utf-8")))
