"""Rule verify: check every artifact against its manifest, and say which are damaged."""

from growmerge.job import imports, job, snakemake

with imports():
    from pathlib import Path

    from growmerge.verification import verify_tree

with job(snakemake.log[0]):
    verify_tree(
        [Path(folder) for folder in snakemake.params.folders],
        expected=[Path(artifact) for artifact in snakemake.params.expected],
        threads=snakemake.threads,
        sound=Path(snakemake.params.sound),
    )
