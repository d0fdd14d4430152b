"""Rule tabulate_comparisons: the comparisons of all setups in one table."""

from pathlib import Path

from growmerge.analysis.tables import write_comparisons
from growmerge.job import job

with job(snakemake.log[0]):
    write_comparisons([Path(comparison) for comparison in snakemake.input], Path(snakemake.output.parquet))
