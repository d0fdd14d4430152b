"""Rule match_compute: the table of checkpoints that cost the same."""

from growmerge.job import imports, job, snakemake

with imports():
    from pathlib import Path

    from growmerge.study.matching import Match, write_matches

with job(snakemake.log[0]):
    params = snakemake.params
    write_matches(Path(snakemake.output.csv), [Match(**match) for match in params.matches], params.bound)
