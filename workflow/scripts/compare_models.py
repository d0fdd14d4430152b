"""Rule compare_models: how alike the models of a setup are, from their weights and their hidden states."""

from growmerge.job import heavy_imports, job, snakemake

with heavy_imports():
    from pathlib import Path

    from growmerge.comparing.comparison import write_comparison

with job(snakemake.log[0], threads=snakemake.threads):
    write_comparison(
        snakemake.wildcards.setup,
        {Path(member).name: Path(member) for member in snakemake.input.members},
        Path(snakemake.input.base),
        [Path(source) for source in snakemake.input.english],
        Path(snakemake.output.parquet),
        sentences=snakemake.params.sentences,
        work=Path(snakemake.params.work),
        token_counts=dict(zip(snakemake.params.get("counted", []), map(Path, snakemake.input.counts), strict=True)),
    )
