"""Rule plan: parameters, tokens, FLOPs, GPU hours and disk of everything, and what of it is built."""

from growmerge.job import imports, job, snakemake

with imports():
    from pathlib import Path

    from growmerge.config import validate
    from growmerge.study.plan import write_plan

with job(snakemake.log[0]):
    write_plan(validate(snakemake.params.configuration), Path(snakemake.params.folder))
