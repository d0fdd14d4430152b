"""Rule preflight: what the study needs from elsewhere, and what of it is there."""

from growmerge.job import imports, job, snakemake

with imports():
    from pathlib import Path

    from growmerge.config import validate
    from growmerge.preflight.run import preflight

with job(snakemake.log[0]):
    preflight(validate(snakemake.params.configuration), Path(snakemake.params.folder))
