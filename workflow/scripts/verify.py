"""Rule verify: check every artifact against its manifest, and say which are damaged."""

from pathlib import Path

from growmerge.job import job
from growmerge.artifacts import verify_tree

with job(snakemake.log[0]) as log:
    for left in sorted(Path(snakemake.params.folders[0]).glob("work/*/*")):
        log.warning("%s: left by an unfinished job, which takes it up or removes it when it runs again", left)
    verify_tree(
        [Path(folder) for folder in snakemake.params.folders],
        expected=[Path(artifact) for artifact in snakemake.params.expected],
    )
