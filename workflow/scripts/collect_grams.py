"""Rule collect_grams: Gram matrices of the inputs of a model's linear layers over text of its language."""

from growmerge.job import heavy_imports, job, snakemake

with heavy_imports():
    from pathlib import Path

    from growmerge.merging.grams import collect_grams
    from growmerge.merging.members import members_of

with job(snakemake.log[0], threads=snakemake.threads):
    inputs, params = snakemake.input, snakemake.params
    (checkpoint,) = members_of(snakemake.wildcards.expert, [Path(folder) for folder in inputs.member]).values()
    collect_grams(
        checkpoint,
        [Path(folder) for folder in inputs.shards],
        Path(inputs.tokenizer),
        Path(snakemake.output[0]),
        tokens=params.tokens,
        length=params.length,
    )
