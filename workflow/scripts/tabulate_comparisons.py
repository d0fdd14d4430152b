"""Rule tabulate_comparisons: the comparisons of all setups in one table."""

from growmerge.job import heavy_imports, job, snakemake

with heavy_imports():
    from pathlib import Path

    from growmerge.tables.tables import write_comparisons

with job(snakemake.log[0]):
    write_comparisons([Path(comparison) for comparison in snakemake.input], Path(snakemake.output.parquet))
