"""Rule build_benchmark: the items of a benchmark in a language, from held-out text and reference data."""

from pathlib import Path

from growmerge.artifacts import publish, verify
from growmerge.data.documents import read_documents
from growmerge.data.split import evaluation_documents
from growmerge.evaluation.builders.build import attribution, build_items
from growmerge.evaluation.items import write_items
from growmerge.job import job

with job(snakemake.log[0]) as log:
    folders = [Path(snakemake.input.documents), Path(snakemake.input.english)]
    packages = [Path(folder) for folder in snakemake.input.packages]
    for artifact in [*folders, *packages]:
        verify(artifact)
    params, wildcards = snakemake.params, snakemake.wildcards
    documents, english = (
        evaluation_documents(read_documents(folder / "documents.parquet"), **corpus)
        for folder, corpus in zip(folders, (params.corpus, params.english), strict=True)
    )
    options = {"limit": params.limit, "max_words": params.max_words, "seed": params.seed}
    items = build_items(wildcards.benchmark, wildcards.language, documents, english, packages, **options)
    config = {**options, "corpus": params.corpus, "english": params.english}
    with publish(Path(snakemake.output[0]), inputs=[*folders, *packages], config=config) as draft:
        write_items(items, draft.folder / "items.parquet")
        draft.facts |= {"items": len(items), "attribution": attribution(wildcards.benchmark, wildcards.language)}
        log.info("%d items; the first: %s", len(items), " | ".join(items[0].candidates))
