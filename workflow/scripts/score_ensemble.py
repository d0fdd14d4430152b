"""Rule score_ensemble: bring the scores of the output ensemble of several models up to date."""

from growmerge.job import heavy_imports, job, snakemake

with heavy_imports():
    from pathlib import Path

    from growmerge.benchmarks.listing import read_listings
    from growmerge.evaluation.ensemble import score_ensemble

with job(snakemake.log[0], threads=snakemake.threads):
    inputs, params = snakemake.input, snakemake.params
    score_ensemble(
        Path(snakemake.output[0]).parent,
        dict(zip(params.languages, map(Path, inputs.members), strict=True)),
        read_listings(map(Path, inputs.benchmarks)),
        generated=params.generated,
        name=snakemake.wildcards.ensemble,
        tokens_per_batch=params.tokens_per_batch,
    )
