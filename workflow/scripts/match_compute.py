"""Rule match_compute: the table of checkpoints that cost the same."""

from pathlib import Path

from growmerge.job import job
from growmerge.artifacts import write_atomically, write_manifest
from growmerge.study.matching import matches_csv

with job(snakemake.log[0]) as log:
    table, matches = Path(snakemake.output.csv), snakemake.params.matches
    write_atomically(table, matches_csv(matches))
    write_manifest(Path(snakemake.output.manifest), [table.name], config={"bound": snakemake.params.bound})
    log.info("%d comparisons, %d of them excluded", len(matches), sum(match["excluded"] for match in matches))
