"""Rule tabulate_translations: translations of the same sentences side by side, as Markdown, CSV and Parquet."""

from growmerge.job import heavy_imports, job, snakemake

with heavy_imports():
    from pathlib import Path

    from growmerge.study.grid import Model
    from growmerge.tables.translations import write_translations

with job(snakemake.log[0]):
    params = snakemake.params
    write_translations(
        [Model(**model) for model in params.models],
        Path(params.scores_folder),
        params.languages,
        Path(snakemake.output.parquet),
    )
