"""Rules train_base and adapt_model: train one model from its parent."""

from pathlib import Path

from growmerge.config.training import Training
from growmerge.training.launch import launch
from growmerge.training.worker import TrainingJob

shards: dict[str, list[Path]] = {}
for shard in map(Path, snakemake.input.shards):
    shards.setdefault(shard.parent.name, []).append(shard)
recipe = snakemake.params.recipe
# From `config`, which Snakemake does not watch: how often to log or to save a state retrains nothing.
training = snakemake.config["training"] | recipe["training"]
work = Path(snakemake.params.work)
task = TrainingJob(
    parent=snakemake.input.parent,
    shards=shards,
    recipe=recipe,
    training=Training.model_validate(training | {"checkpoint_every": snakemake.params.checkpoint_every}),
    architecture=snakemake.params.architecture,
    model=snakemake.output.model,
    checkpoints=snakemake.output.checkpoints,
    work=work,
    log=snakemake.log[0],
    compiled=next(folder for folder in work.parents if folder.name == "work") / ".compiled",
    threads=snakemake.threads,
)
launch(task, gpus=snakemake.resources.get("gpu"), nodes=snakemake.resources.get("nodes", 1))
