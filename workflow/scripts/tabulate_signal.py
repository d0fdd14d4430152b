"""Rule tabulate_signal: what each benchmark can tell in each language, as Parquet and CSV."""

from growmerge.job import heavy_imports, job, snakemake

with heavy_imports():
    from pathlib import Path

    from growmerge.study.grid import Model
    from growmerge.tables.signal import write_signal

with job(snakemake.log[0]):
    params = snakemake.params
    write_signal(
        [Model(**model) for model in params.models],
        Path(params.scores_folder),
        [Path(reference) for reference in snakemake.input.reference],
        Path(snakemake.output.parquet),
        resamples=params.resamples,
        seed=params.seed,
        parity=params.parity,
        measured=params.measured,
        trainings=params.trainings,
        late=params.late,
        untrained=params.untrained,
        english=params.english,
        translated=bool(snakemake.input.translations),
        replicates=params.get("replicates"),
    )
