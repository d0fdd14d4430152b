"""Rule list_benchmarks: which benchmarks, in which languages, models are scored on."""

from growmerge.job import imports, job, snakemake

with imports():
    from pathlib import Path

    from growmerge.benchmarks.listing import write_listing

with job(snakemake.log[0]):
    write_listing(list(map(Path, snakemake.input)), Path(snakemake.output.listing))
