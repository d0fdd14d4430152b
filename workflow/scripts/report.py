"""Rule report: figures, grid, tables, costs and what is missing on one page that needs nothing else."""

from growmerge.job import heavy_imports, job, snakemake

with heavy_imports():
    from pathlib import Path

    from growmerge.config import validate
    from growmerge.report.write import write_report

with job(snakemake.log[0]):
    write_report(validate(snakemake.params.configuration), Path(snakemake.output.html))
