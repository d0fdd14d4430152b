"""Rule tabulate_benchmarks: how many items every benchmark came to, next to what the papers print."""

from growmerge.job import heavy_imports, job, snakemake

with heavy_imports():
    from pathlib import Path

    from growmerge.tables.benchmarks import write_benchmarks

with job(snakemake.log[0]):
    write_benchmarks(
        [Path(folder) for folder in snakemake.input.benchmarks],
        Path(snakemake.output.parquet),
        snakemake.params.measured,
    )
