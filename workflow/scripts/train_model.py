"""Rules train_base and adapt_model: train one model from its parent."""

from pathlib import Path

import torch

from growmerge.config.schema import Architecture, Training
from growmerge.job import job
from growmerge.training.train import train_model

with job(snakemake.log[0]):
    torch.set_num_threads(snakemake.threads)
    shards: dict[str, list[Path]] = {}
    for shard in map(Path, snakemake.input.shards):
        shards.setdefault(shard.parent.name, []).append(shard)
    recipe = snakemake.params.recipe
    # From `config`, which Snakemake does not watch: how often to log or to save a state retrains nothing.
    training = snakemake.config["training"] | recipe["training"]
    train_model(
        Path(snakemake.input.parent),
        shards,
        recipe,
        Training.model_validate(training | {"checkpoint_every": snakemake.params.checkpoint_every}),
        Architecture.model_validate(snakemake.params.architecture),
        model_folder=Path(snakemake.output.model),
        checkpoints_folder=Path(snakemake.output.checkpoints),
        work=Path(snakemake.params.work),
    )
