"""Rule tabulate_languages: scores by language with intervals, and their means over one set of languages."""

from growmerge.job import heavy_imports, job, snakemake

with heavy_imports():
    from pathlib import Path

    from growmerge.tables.language_tables import write_language_tables

with job(snakemake.log[0]):
    chosen = {key: snakemake.params[key] for key in ("languages", "setups", "methods")}
    gap = next(iter(map(Path, snakemake.input.gap)), None)
    write_language_tables(Path(snakemake.input.scores), Path(snakemake.output.means).parent, gap=gap, **chosen)
