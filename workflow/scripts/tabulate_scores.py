"""Rule tabulate_scores: a tidy table of scores with confidence intervals, as Parquet and CSV."""

from growmerge.job import heavy_imports, job, snakemake

with heavy_imports():
    from pathlib import Path

    from growmerge.study.grid import Model
    from growmerge.study.groups import Group
    from growmerge.tables.tables import write_table

with job(snakemake.log[0]):
    params = snakemake.params
    write_table(
        [Model(**model) for model in params.models],
        Path(params.scores_folder),
        [Path(reference) for reference in snakemake.input.reference],
        Path(snakemake.output.parquet),
        resamples=params.resamples,
        seed=params.seed,
        parity=params.parity,
        measured=params.measured,
        replicates=params.get("replicates"),
        groups=[Group(**group) for group in params.get("groups", [])],
        translated=bool(snakemake.input.translations),
    )
