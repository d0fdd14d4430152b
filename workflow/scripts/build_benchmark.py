"""Rule build_benchmark: the items of a benchmark in a language, from a dataset, or from held-out text and packages."""

from growmerge.job import imports, job, snakemake

with imports():
    from pathlib import Path

    from growmerge.benchmarks.build import HeldOutShards, write_benchmark
    from growmerge.config.benchmarks import Benchmark

with job(snakemake.log[0]):
    inputs, params = snakemake.input, snakemake.params
    write_benchmark(
        Path(snakemake.output[0]),
        Benchmark.model_validate(params.benchmark),
        snakemake.wildcards.language,
        text=HeldOutShards([Path(folder) for folder in inputs.documents], params.placeholder),
        counterparts=HeldOutShards([Path(folder) for folder in inputs.counterparts], params.origin_placeholder),
        origin=params.origin,
        packages=[Path(folder) for folder in inputs.packages],
        seed=params.seed,
    )
