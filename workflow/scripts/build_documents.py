"""Rule build_documents: the clean documents of a corpus."""

from pathlib import Path

from growmerge.artifacts import publish, verify
from growmerge.config.corpora import Corpus
from growmerge.data.corpus import read_sources
from growmerge.data.documents import clean, write_documents
from growmerge.job import job

with job(snakemake.log[0]) as log:
    packages = {Path(folder).name: Path(folder) for folder in snakemake.input.packages}
    for folder in packages.values():
        verify(folder)
    corpus = Corpus.model_validate(snakemake.params.corpus)
    with publish(Path(snakemake.output[0]), inputs=[*packages.values()], config=snakemake.params.corpus) as draft:
        documents, counts = clean(
            read_sources(corpus.sources, packages), corpus.min_words, corpus.cleaning, corpus.placeholder
        )
        write_documents(documents, draft.folder / "documents.parquet")
        draft.facts |= counts
        log.info("%s: %s", corpus.name, ", ".join(f"{name} {count:,}" for name, count in counts.items()))
