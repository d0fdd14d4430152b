"""Rule build_documents: the clean documents of a shard of a corpus, and those that are kept for evaluation."""

from pathlib import Path

from growmerge.job import job
from growmerge.artifacts import publish, sha256_file, verify
from growmerge.config.corpora import Corpus
from growmerge.data.corpus import build_shard
from growmerge.study.sharding import Shard

with job(snakemake.log[0]) as log:
    folders = [Path(folder) for folder in snakemake.input.packages]
    packages = {verify(folder).config["name"]: folder for folder in folders}
    corpus = Corpus.model_validate(snakemake.params.corpus)
    shard = Shard.parse(snakemake.wildcards.shard)
    config = {**snakemake.params.corpus, "shard": str(shard)}
    with publish(Path(snakemake.output[0]), inputs=folders, config=config) as draft:
        draft.facts |= build_shard(corpus, packages, shard, draft.folder)
        counts = ", ".join(f"{name} {facts['documents']:,}" for name, facts in draft.facts.items() if name != "written")
        log.info("%s, shard %s: documents %s", corpus.name, shard, counts)
        draft.facts["files"] = {file: sha256_file(Path(file)) for file in snakemake.input.files}
