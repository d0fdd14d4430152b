"""Rule count_tokens: how often each token occurs in a corpus (or a part of it)."""

from growmerge.job import imports, job, snakemake

with imports():
    from pathlib import Path

    from growmerge.data.token_counts import count_tokens

with job(snakemake.log[0]):
    inputs = snakemake.input
    shards = [Path(folder) for folder in inputs.shards]
    count_tokens(shards, Path(inputs.tokenizer), snakemake.params.vocabulary, Path(snakemake.output[0]))
