"""Rule import_model: a checkpoint from the hub or a folder; models of others, which are only scored, as they are."""

from growmerge.job import heavy_imports, job, snakemake

with heavy_imports():
    from pathlib import Path

    from growmerge.models.importing import publish_import

with job(snakemake.log[0]):
    publish_import(Path(snakemake.output[0]), snakemake.params.reference, external=snakemake.params.external)
