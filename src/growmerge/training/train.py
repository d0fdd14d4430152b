"""One trained model, from its parent and token shards to published checkpoints."""

from __future__ import annotations

import logging
import os
import shutil
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import torch

from growmerge.artifacts import MANIFEST, TRAINING_LOG, digest_of, publish, read_manifest, verify
from growmerge.config.models import Architecture
from growmerge.config.training import Training
from growmerge.data.mixture import Mixture
from growmerge.data.same_tokenizer import tokenizer_difference, tokenizers_of
from growmerge.data.shards import TokenCorpus, count_documents
from growmerge.errors import GrowmergeError
from growmerge.models.checkpoints import load_checkpoint, save_checkpoint
from growmerge.study.flops import training_flops
from growmerge.study.layout import step_folder
from growmerge.study.phases import phases_of
from growmerge.study.recipe import Recipe
from growmerge.study.schedule import schedule
from growmerge.training.lease import sole_trainer
from growmerge.training.loop import Run, Settings
from growmerge.training.ranks import joined
from growmerge.training.stopping import refuse_if_diverged

logger = logging.getLogger(__name__)


def train_model(
    parent: Path,
    shards: Mapping[str, Sequence[Path]],
    recipe: Recipe,
    training: Training,
    architecture: Architecture,
    *,
    model_folder: Path,
    checkpoints_folder: Path,
    work: Path,
    tensorboard: Path | None = None,
) -> None:
    """Train the model in `parent` as `recipe` says (`growmerge.study.recipe`) on `shards` (corpus -> shard folders).

    `training` is the recipe's, completed by what does not shape the weights (micro-batch, intervals).
    Publishes `checkpoints_folder` (step-*/ folders, each a plain checkpoint) and then `model_folder` (the final weights
    and training_log.jsonl). Unfinished work is kept in `work`, from which the next call resumes; removed at the end.
    Under torchrun every rank calls this; the first one writes. `tensorboard`: folder for its files, if they are wanted.
    If another job trains the model, this waits for it, and does nothing if it has made the same.
    Raises GrowmergeError for damaged inputs or too little text for a single step, Diverged if it did so before,
    Occupied if the other goes on.
    """
    start = time.monotonic()
    inputs = [parent, *(shard for group in shards.values() for shard in group)]
    verify(parent)
    # A folder for each configuration and inputs: what an older one left behind is never resumed from.
    fingerprint = _fingerprint(recipe.plain(), [read_manifest(i).digest for i in inputs])
    own_work = work / fingerprint
    refuse_if_diverged(own_work)
    _refuse_another_tokenizer(parent, inputs[1:])
    phases = phases_of(recipe.data, {corpus: count_documents(group) for corpus, group in shards.items()})
    used = {component.corpus for phase in phases for component in phase.components}
    corpora = {corpus: TokenCorpus(shards[corpus], training.sequence_length) for corpus in sorted(used)}
    sizes = {name: len(corpus) for name, corpus in corpora.items()}
    mixture = Mixture(phases, sizes, recipe.seed, training.batch_sequences, recipe.part)
    drawn = sum(mixture.counts().values())
    if drawn < training.batch_sequences:
        raise GrowmergeError(
            f"{model_folder}: its mixture has {drawn} sequences, fewer than training.batch_sequences = "
            f"{training.batch_sequences}; give it more text or epochs, or a smaller batch"
        )
    for corpus, count in mixture.counts().items():
        logger.info("%s: %d sequences, %.2f epochs", corpus, count, count / len(corpora[corpus]))

    with ExitStack() as lease:
        with joined() as ranks:
            if ranks.first:
                lease.enter_context(sole_trainer(work))
            if ranks.from_first(ranks.first and _is_made([checkpoints_folder, model_folder], fingerprint)):
                logger.info("%s: another job has made it meanwhile", model_folder)
                if ranks.first:
                    lease.close()
                    shutil.rmtree(work, ignore_errors=True)
                return
            if ranks.first:
                _remove_others(work, fingerprint)
            model = load_checkpoint(parent, dtype=torch.float32, device=ranks.device).train()

            def flops(sequences: int) -> float:
                vocabulary = model.config.vocab_size
                return training_flops(architecture, vocabulary, recipe.width, sequences, training.sequence_length)

            def save_intermediate(step: int) -> None:
                with publish(own_work / "checkpoints" / step_folder(step)) as draft:
                    save_checkpoint(model, draft.folder, parent)
                    draft.facts["step"] = step

            settings = Settings(
                mixture=mixture,
                corpora=corpora,
                training=training,
                schedule=schedule(training, mixture.steps, recipe.warmup_steps, recipe.decay_steps),
                width=recipe.width,
                flops_per_step=flops(training.batch_sequences),
                work=own_work,
                save_checkpoint=save_intermediate,
                tensorboard=tensorboard,
            )
            run = Run(model, settings, ranks)
            run.run()
        if not ranks.first:
            return

        sequences = mixture.steps * training.batch_sequences
        facts = {
            "steps": mixture.steps,
            "tokens": sequences * training.sequence_length,
            "flops": flops(sequences),
            "sequences": mixture.counts(),
            "sequences_repeated": sequences - drawn,  # to fill up the last step of an epoch
            "loss": run.loss,
            "loss_spikes": run.spikes,
            "ranks": ranks.size,
            "micro_batch_sequences": run.micro_batch,
            "micro_batch_halved": run.halved,
        }
        with publish(checkpoints_folder, inputs=inputs, config=recipe.plain(), since=start) as draft:
            # Not those that a killed attempt saved at another interval.
            steps_saved = map(step_folder, range(training.checkpoint_every, mixture.steps, training.checkpoint_every))
            for folder in filter(Path.exists, (own_work / "checkpoints" / name for name in steps_saved)):
                shutil.copytree(folder, draft.folder / folder.name, copy_function=os.link)
        with publish(model_folder, inputs=inputs, config=recipe.plain(), since=start) as draft:
            save_checkpoint(model, draft.folder, parent)
            shutil.copy(own_work / TRAINING_LOG, draft.folder)
            draft.facts |= facts
        lease.close()
        shutil.rmtree(work, ignore_errors=True)  # one that has waited finds the model made, and does the same


def _refuse_another_tokenizer(parent: Path, shards: Sequence[Path]) -> None:
    """A checkpoint from elsewhere may number its tokens otherwise than the shards do."""
    made_with = dict.fromkeys(tokenizer for shard in shards for tokenizer in tokenizers_of(read_manifest(shard)))
    for tokenizer in made_with:
        if difference := tokenizer_difference(parent, tokenizer):
            raise GrowmergeError(
                f"{parent}: its tokenizer is not the one that made the token shards, {tokenizer}: {difference}; set "
                "tokenizer.pretrained to the tokenizer of this checkpoint"
            )


def _fingerprint(recipe: Mapping[str, Any], inputs: Sequence[str]) -> str:
    return digest_of({"recipe": dict(recipe), "inputs": list(inputs)})[:16]


def _is_made(artifacts: Sequence[Path], fingerprint: str) -> bool:
    """Whether all of them are there, from the same recipe and inputs: another job trained at the same time."""
    manifests = [read_manifest(artifact) for artifact in artifacts if (artifact / MANIFEST).exists()]
    made = [_fingerprint(manifest.config, list(manifest.inputs.values())) for manifest in manifests]
    return made == [fingerprint] * len(artifacts)


def _remove_others(work: Path, fingerprint: str) -> None:
    for stale in filter(Path.is_dir, work.glob("*")):
        if stale.name != fingerprint:
            logger.warning("removing unfinished work of another configuration or other inputs: %s", stale)
            shutil.rmtree(stale)
