"""Rule build_tokenizer: train a byte-level BPE on training text, or take an existing tokenizer."""

from growmerge.job import imports, job, snakemake

with imports():
    from pathlib import Path

    from growmerge.config.corpora import Tokenizer
    from growmerge.data.tokenizer_training import publish_tokenizer

with job(snakemake.log[0]):
    publish_tokenizer(
        Path(snakemake.output[0]),
        Tokenizer.model_validate(snakemake.params.tokenizer),
        corpora=[[Path(shard) for shard in shards] for shards in snakemake.params.shards],
        evaluation=[Path(shard) for shard in snakemake.input.evaluation],
        packages=[Path(folder) for folder in snakemake.input.packages],
        threads=snakemake.threads,
    )
