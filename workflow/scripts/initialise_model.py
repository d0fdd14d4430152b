"""Rule initialise_model: a model of random weights."""

from growmerge.job import heavy_imports, job, snakemake

with heavy_imports():
    from pathlib import Path

    from growmerge.config.models import Architecture
    from growmerge.models.initialise import publish_initialisation

with job(snakemake.log[0]):
    publish_initialisation(
        Path(snakemake.output[0]),
        Path(snakemake.input[0]),
        Architecture.model_validate(snakemake.params.architecture),
        snakemake.params.vocab_size,
        snakemake.params.seed,
    )
