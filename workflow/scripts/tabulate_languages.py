"""Rule tabulate_languages: scores by language with intervals, and their means over one set of languages."""

from pathlib import Path

from growmerge.analysis.by_language import write_by_language
from growmerge.analysis.means import write_means
from growmerge.job import job

with job(snakemake.log[0]):
    chosen = {key: snakemake.params[key] for key in ("languages", "setups", "methods")}
    scores = Path(snakemake.input[0])
    write_by_language(scores, Path(snakemake.output.by_language), **chosen)
    write_means(scores, Path(snakemake.output.means), **chosen)
