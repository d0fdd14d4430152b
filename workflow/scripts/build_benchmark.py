"""Rule build_benchmark: the items of a benchmark in a language, from held-out text and reference data."""

from pathlib import Path

from growmerge.artifacts import publish, verify
from growmerge.data.split import evaluation_documents, read_heldout
from growmerge.evaluation.builders.build import attribution, build_items
from growmerge.evaluation.items import write_items
from growmerge.job import job

with job(snakemake.log[0]) as log:
    params, wildcards = snakemake.params, snakemake.wildcards
    shards, english_shards, packages = (
        [Path(folder) for folder in folders]
        for folders in (snakemake.input.documents, snakemake.input.english, snakemake.input.packages)
    )
    for package in packages:
        verify(package)
    documents = evaluation_documents(read_heldout(shards), params.placeholder)
    english = evaluation_documents(read_heldout(english_shards), params.english_placeholder)
    options = {"limit": params.limit, "max_words": params.max_words, "seed": params.seed}
    items = build_items(wildcards.benchmark, wildcards.language, documents, english, packages, **options)
    config = {**options, "placeholder": params.placeholder, "english_placeholder": params.english_placeholder}
    inputs = list(dict.fromkeys([*shards, *english_shards, *packages]))
    with publish(Path(snakemake.output[0]), inputs=inputs, config=config) as draft:
        write_items(items, draft.folder / "items.parquet")
        draft.facts |= {"items": len(items), "attribution": attribution(wildcards.benchmark, wildcards.language)}
        log.info("%d items; the first: %s", len(items), " | ".join(items[0].candidates))
