"""Rules score_model, score_checkpoint, score_reference: bring the scores of one model up to date."""

from growmerge.job import heavy_imports, job, snakemake

with heavy_imports():
    from pathlib import Path

    from growmerge.benchmarks.listing import read_listings
    from growmerge.catalogue.entry import Decoding
    from growmerge.evaluation.scores import parity_references, score_model

with job(snakemake.log[0], threads=snakemake.threads):
    inputs, params = snakemake.input, snakemake.params
    references = inputs.get("references")
    score_model(
        Path(snakemake.output[0]).parent,
        Path(inputs.model),
        read_listings(map(Path, inputs.benchmarks)) if references is None else parity_references(map(Path, references)),
        step=params.get("step"),
        name=next(iter(snakemake.wildcards), None),
        tokens_per_batch=params.tokens_per_batch,
        decoding={name: Decoding(**said) for name, said in params.get("decoding", {}).items()},
    )
