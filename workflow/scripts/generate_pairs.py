"""Rule generate_pairs: minimal pairs of inflection in a language, from sentences and a full-form lexicon."""

from growmerge.job import imports, job, snakemake

with imports():
    from pathlib import Path

    from growmerge.benchmarks.build import HeldOutShards
    from growmerge.benchmarks.inflection.build import write_inflection
    from growmerge.config.benchmarks import Benchmark

with job(snakemake.log[0]):
    write_inflection(
        Path(snakemake.output[0]),
        Benchmark.model_validate(snakemake.params.benchmark),
        snakemake.wildcards.language,
        text=HeldOutShards([Path(folder) for folder in snakemake.input.documents], snakemake.params.placeholder),
        seed=snakemake.params.seed,
    )
