"""Rule clone_model: a wider model that computes the same function."""

from growmerge.job import heavy_imports, job, snakemake

with heavy_imports():
    from pathlib import Path

    from growmerge.config.models import Clone
    from growmerge.models.hyperclone import publish_clone

with job(snakemake.log[0]):
    publish_clone(
        Path(snakemake.output[0]),
        Path(snakemake.input[0]),
        Clone.model_validate(snakemake.params.clone),
        snakemake.params.seed,
    )
