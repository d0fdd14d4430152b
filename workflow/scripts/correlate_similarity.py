"""Rule correlate_similarity: similarity of pairs of models against what merging them costs."""

from growmerge.job import heavy_imports, job, snakemake

with heavy_imports():
    from pathlib import Path

    from growmerge.tables.tables import write_correlations

with job(snakemake.log[0]):
    params = snakemake.params
    write_correlations(
        [Path(comparison) for comparison in snakemake.input.comparisons],
        Path(snakemake.input.scores),
        [Path(source) for source in snakemake.input.distances],
        Path(snakemake.output.parquet),
        setups=params.setups,
        languages=params.languages,
        method=params.method,
        codes=params.codes,
        resamples=params.resamples,
        seed=params.seed,
        cases=params.get("drop_cases", "complete"),
    )
