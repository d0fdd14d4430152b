"""Rule tokenize_shard: one shard of a corpus (or of a part of it) as token ids."""

from growmerge.job import heavy_imports, job, snakemake

with heavy_imports():
    from pathlib import Path

    from growmerge.data.tokenizing import publish_tokens
    from growmerge.study.sharding import Shard

with job(snakemake.log[0]):
    inputs, wildcards = snakemake.input, snakemake.wildcards
    publish_tokens(
        Path(snakemake.output[0]),
        wildcards.part,
        Shard.parse(wildcards.shard),
        documents=Path(inputs.documents),
        tokenizer=Path(inputs.tokenizer),
        evaluation=[Path(shard) for shard in inputs.evaluation],
        parts=snakemake.params.parts,
        part_ids=[Path(folder) for folder in inputs.part_ids],
        threads=snakemake.threads,
    )
