"""Rule build_benchmark: the items of a benchmark in a language, from a dataset, or from held-out text and packages."""

from pathlib import Path

from growmerge.job import job
from growmerge.artifacts import publish, verify
from growmerge.benchmarks.build import build_benchmark
from growmerge.benchmarks.conversion import HeldOut
from growmerge.benchmarks.items import ITEMS, write_items
from growmerge.config.benchmarks import Benchmark
from growmerge.data.split import evaluation_documents, read_heldout

with job(snakemake.log[0]) as log:
    params, language = snakemake.params, snakemake.wildcards.language
    shards, counterparts, packages = (
        [Path(folder) for folder in folders]
        for folders in (snakemake.input.documents, snakemake.input.counterparts, snakemake.input.packages)
    )
    for package in packages:
        verify(package)
    heldout = HeldOut(
        evaluation_documents(read_heldout(shards), params.placeholder),
        evaluation_documents(read_heldout(counterparts), params.origin_placeholder),
        packages,
        params.origin,
    )
    benchmark = Benchmark.model_validate(params.benchmark)
    built = build_benchmark(benchmark, language, seed=params.seed, heldout=heldout)
    inputs = list(dict.fromkeys([*shards, *counterparts, *packages]))
    with publish(Path(snakemake.output[0]), inputs=inputs, config=dict(params)) as draft:
        write_items(built.items, draft.folder / ITEMS)
        draft.facts |= built.facts
        log.info("%d items; the first: %s", len(built.items), built.items[0])
