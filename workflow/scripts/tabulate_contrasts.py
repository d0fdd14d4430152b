"""Rule tabulate_contrasts: differences between models on the same items, as Parquet and CSV."""

from growmerge.job import heavy_imports, job, snakemake

with heavy_imports():
    from pathlib import Path

    from growmerge.study.grid import Model
    from growmerge.tables.contrasts import write_contrasts

with job(snakemake.log[0]):
    params = snakemake.params
    write_contrasts(
        [Model(**model) for model in params.models],
        Path(params.scores_folder),
        [Path(reference) for reference in snakemake.input.reference],
        Path(snakemake.output.parquet),
        baseline=params.baseline,
        english=params.english,
        same_cost=[tuple(pair) for pair in params.same_cost],
        resamples=params.resamples,
        seed=params.seed,
        measured=params.measured,
        replicates=params.get("replicates"),
        kinds=params.get("kinds"),
    )
