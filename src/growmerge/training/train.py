"""One trained model, from its parent and token shards to published checkpoints."""

from __future__ import annotations

import logging
import os
import shutil
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from growmerge.artifacts import digest_of, publish, read_manifest, verify
from growmerge.config.schema import Architecture, Training
from growmerge.data.mixture import Mixture
from growmerge.data.replay import phases_of
from growmerge.data.shards import TokenCorpus, count_documents
from growmerge.errors import GrowmergeError
from growmerge.models.checkpoints import load_checkpoint, save_checkpoint
from growmerge.models.cost import training_flops
from growmerge.training.loop import Run
from growmerge.training.schedule import schedule

logger = logging.getLogger(__name__)


def train_model(
    parent: Path,
    shards: Mapping[str, Sequence[Path]],
    recipe: Mapping[str, Any],
    training: Training,
    architecture: Architecture,
    *,
    model_folder: Path,
    checkpoints_folder: Path,
    work: Path,
    device: str | None = None,
) -> None:
    """Train the model in `parent` as `recipe` says (growmerge.grid.Grid.recipe) on `shards` (corpus -> shard folders).

    `training` is the recipe's, completed by what does not shape the weights (micro-batch, intervals).
    Publishes `checkpoints_folder` (step-*/ folders, each a plain checkpoint) and then `model_folder` (the final weights
    and training_log.jsonl). Unfinished work is kept in `work`, from which the next call resumes; removed at the end.
    Raises GrowmergeError for damaged inputs or too little text for a single step.
    """
    start = time.monotonic()
    inputs = [parent, *(shard for group in shards.values() for shard in group)]
    verify(parent)
    phases = phases_of(recipe, {corpus: count_documents(group) for corpus, group in shards.items()})
    used = {component.corpus for phase in phases for component in phase.components}
    corpora = {corpus: TokenCorpus(shards[corpus], training.sequence_length) for corpus in sorted(used)}
    mixture = Mixture(phases, {name: len(corpus) for name, corpus in corpora.items()}, recipe["seed"])
    steps = len(mixture) // training.batch_sequences
    if steps == 0:
        raise GrowmergeError(
            f"{model_folder}: its mixture has {len(mixture)} sequences, fewer than training.batch_sequences = "
            f"{training.batch_sequences}; give it more text or epochs, or a smaller batch"
        )
    for corpus, count in mixture.counts().items():
        logger.info("%s: %d sequences, %.2f epochs", corpus, count, count / len(corpora[corpus]))

    device = device or ("cuda" if torch.cuda.is_available() else "cpu")
    model = load_checkpoint(parent, dtype=torch.float32, device=device).train()
    # A folder for each configuration and inputs: what an older one left behind is never resumed from.
    fingerprint = digest_of({"recipe": dict(recipe), "inputs": [read_manifest(i).digest for i in inputs]})[:16]
    for stale in work.glob("*") if work.exists() else ():
        if stale.name != fingerprint:
            logger.warning("removing unfinished work of another configuration or other inputs: %s", stale)
            shutil.rmtree(stale)
    unfinished = work / fingerprint / "checkpoints"

    def save_intermediate(step: int) -> None:
        with publish(unfinished / f"step-{step:06d}") as draft:
            save_checkpoint(model, draft.folder, parent)
            draft.facts["step"] = step

    run = Run(
        model=model,
        mixture=mixture,
        corpora=corpora,
        training=training,
        schedule=schedule(
            training.learning_rate, steps, training.warmup_share, training.warmup_min_steps, training.decay_share
        ),
        width=recipe["width"],
        work=work / fingerprint,
        save_checkpoint=save_intermediate,
    )
    loss = run.run()

    sequences = steps * training.batch_sequences
    facts = {
        "steps": steps,
        "tokens": sequences * training.sequence_length,
        "flops": training_flops(
            architecture, model.config.vocab_size, recipe["width"], sequences, training.sequence_length
        ),
        "sequences": mixture.counts(),
        "loss": loss,
        "micro_batch_sequences": training.micro_batch_sequences,
    }
    with publish(checkpoints_folder, inputs=inputs, config=dict(recipe), since=start) as draft:
        # Not those that a killed attempt saved at another interval.
        steps_saved = range(training.checkpoint_every, steps, training.checkpoint_every)
        for folder in filter(Path.exists, (unfinished / f"step-{step:06d}" for step in steps_saved)):
            shutil.copytree(folder, draft.folder / folder.name, copy_function=os.link)
    with publish(model_folder, inputs=inputs, config=dict(recipe), since=start) as draft:
        save_checkpoint(model, draft.folder, parent)
        shutil.copy(work / fingerprint / "training_log.jsonl", draft.folder)
        draft.facts |= facts
    shutil.rmtree(work)
