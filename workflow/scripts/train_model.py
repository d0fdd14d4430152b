"""Rules train_base and adapt_model: train one model from its parent."""

from growmerge.job import heavy_imports, snakemake

with heavy_imports():
    from pathlib import Path

    from growmerge.config.models import Architecture
    from growmerge.data.shards import by_corpus
    from growmerge.study.recipe import Recipe
    from growmerge.training.launch import launch
    from growmerge.training.worker import TrainingJob

params, work = snakemake.params, Path(snakemake.params.work)
recipe = Recipe.read(params.recipe)
launch(
    TrainingJob(
        parent=Path(snakemake.input.parent),
        shards=by_corpus(map(Path, snakemake.input.shards)),
        recipe=recipe,
        # From `config`, which Snakemake does not watch: how often to log or to save a state retrains nothing.
        training=recipe.completed(snakemake.config["training"], params.checkpoint_every),
        architecture=Architecture.model_validate(params.architecture),
        model=Path(snakemake.output.model),
        checkpoints=Path(snakemake.output.checkpoints),
        work=work,
        log=Path(snakemake.log[0]),
        compiled=next(folder for folder in work.parents if folder.name == "work") / ".compiled",
        threads=snakemake.threads,
        name=snakemake.wildcards[0],  # the rules' only one, the id of the model
    ),
    gpus=snakemake.resources.get("gpu"),
    nodes=snakemake.resources.get("nodes", 1),
)
