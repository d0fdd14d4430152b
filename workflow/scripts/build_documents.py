"""Rule build_documents: the clean documents of a shard of a corpus, and those that are kept for evaluation."""

from growmerge.job import imports, job, snakemake

with imports():
    from pathlib import Path

    from growmerge.config.corpora import Corpus
    from growmerge.data.corpus import publish_documents
    from growmerge.study.sharding import Shard

folder, corpus = Path(snakemake.output[0]), snakemake.params.corpus
# From `config`, which Snakemake does not watch: where and how files are fetched by their digests makes no other text.
configured = {named["name"]: named["sources"] for named in snakemake.config["corpora"]}
with job(snakemake.log[0]):
    publish_documents(
        folder,
        Corpus.model_validate(corpus | {"sources": configured.get(corpus["name"], corpus["sources"])}),
        Shard.parse(snakemake.wildcards.shard),
        packages=[Path(folder) for folder in snakemake.input.packages],
        files=[Path(file) for file in snakemake.input.files],
        work=folder.parents[2] / "work" / ".fetched" / folder.parent.name / folder.name,
    )
