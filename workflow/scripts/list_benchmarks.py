"""Rule list_benchmarks: which benchmarks models are scored on in a language."""

from growmerge.job import imports, job, snakemake

with imports():
    from pathlib import Path

    from growmerge.benchmarks.listing import write_listing

with job(snakemake.log[0]):
    write_listing(list(map(Path, snakemake.input)), snakemake.params.places, Path(snakemake.output.listing))
