"""Rule build_documents: the clean documents of a corpus."""

from pathlib import Path

from growmerge.artifacts import publish, sha256_file, verify
from growmerge.config.corpora import Corpus
from growmerge.data.corpus import read_sources
from growmerge.data.documents import clean, write_documents
from growmerge.data.split import DOCUMENTS
from growmerge.job import job

with job(snakemake.log[0]) as log:
    folders = [Path(folder) for folder in snakemake.input.packages]
    packages = {verify(folder).config["name"]: folder for folder in folders}
    corpus = Corpus.model_validate(snakemake.params.corpus)
    with publish(Path(snakemake.output[0]), inputs=folders, config=snakemake.params.corpus) as draft:
        documents, counts = clean(
            read_sources(corpus.sources, packages), corpus.min_words, corpus.cleaning, corpus.placeholder
        )
        write_documents(documents, draft.folder / DOCUMENTS)
        draft.facts |= counts
        draft.facts["files"] = {file: sha256_file(Path(file)) for file in snakemake.input.files}
        log.info("%s: %s", corpus.name, ", ".join(f"{name} {count:,}" for name, count in counts.items()))
