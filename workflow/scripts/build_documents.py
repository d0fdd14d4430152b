"""Rule build_documents: the clean documents of a shard of a corpus, and those that are kept for evaluation."""

from growmerge.job import imports, job, snakemake

with imports():
    from pathlib import Path

    from growmerge.config.corpora import Corpus
    from growmerge.data.corpus import publish_documents
    from growmerge.study.sharding import Shard

with job(snakemake.log[0]):
    publish_documents(
        Path(snakemake.output[0]),
        Corpus.model_validate(snakemake.params.corpus),
        Shard.parse(snakemake.wildcards.shard),
        packages=[Path(folder) for folder in snakemake.input.packages],
        files=[Path(file) for file in snakemake.input.files],
    )
