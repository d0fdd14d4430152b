"""Rule tabulate_trainings: length, cost and loss of every training, and the block asymmetry of clones."""

from growmerge.job import heavy_imports, job, snakemake

with heavy_imports():
    from pathlib import Path

    from growmerge.study.grid import Model
    from growmerge.tables.trainings import write_trainings

with job(snakemake.log[0]):
    params = snakemake.params
    write_trainings(
        [Model(**model) for model in params.models],
        Path(params.models_folder),
        Path(snakemake.output.parquet),
        params.get("replicates"),
    )
