"""Rule tabulate_gap: which share of the gap to joint training models win back, as Parquet and CSV."""

from growmerge.job import heavy_imports, job, snakemake

with heavy_imports():
    from pathlib import Path

    from growmerge.study.gap import Candidate
    from growmerge.tables.gap import write_gap

with job(snakemake.log[0]):
    params = snakemake.params
    write_gap(
        [Candidate.read(candidate) for candidate in params.candidates],
        Path(params.scores_folder),
        [Path(reference) for reference in snakemake.input.reference],
        Path(snakemake.output.parquet),
        resamples=params.resamples,
        seed=params.seed,
        measured=params.measured,
        replicates=params.get("replicates"),
    )
