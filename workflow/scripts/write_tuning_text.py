"""Rule write_tuning_text: the half of a language's held-out text that merges are fitted on."""

from growmerge.job import imports, job, snakemake

with imports():
    from pathlib import Path

    from growmerge.benchmarks.build import HeldOutShards, write_tuning_text

with job(snakemake.log[0], threads=snakemake.threads):
    params = snakemake.params
    write_tuning_text(
        Path(snakemake.output[0]),
        HeldOutShards(list(map(Path, snakemake.input.documents)), params.placeholder),
        limit=params.limit,
        piece_bytes=params.piece_bytes,
    )
