"""Rule score_unigram: score each language by how often its text has each token."""

from growmerge.job import heavy_imports, job, snakemake

with heavy_imports():
    from pathlib import Path

    from growmerge.benchmarks.listing import read_listings
    from growmerge.evaluation.unigram import score_unigram

with job(snakemake.log[0], threads=snakemake.threads):
    inputs, params = snakemake.input, snakemake.params
    cells = read_listings(map(Path, inputs.benchmarks))
    score_unigram(
        Path(snakemake.output[0]).parent,
        Path(inputs.tokenizer),
        dict(zip(params.languages, map(Path, inputs.counts), strict=True)),
        {cell: folder for cell, folder in cells.items() if cell[0] not in params.generated},
    )
