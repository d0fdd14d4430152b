"""Rule draw_figure: a figure as PDF and PNG, with its data as CSV and its caption."""

from pathlib import Path

from growmerge.analysis.figures import Selection
from growmerge.analysis.figures.write import write_figure
from growmerge.config.schema import Analysis, Method
from growmerge.job import job
from growmerge.matching import Match

with job(snakemake.log[0]):
    params = snakemake.params
    analysis = Analysis.model_validate(params.analysis)
    selection = Selection(
        languages=tuple(params.languages),
        setups=tuple(params.setups),
        methods=tuple(params.methods),
        settings=tuple(Method.model_validate(method) for method in params.settings),
        method=analysis.pairwise_method,
        bases=tuple(params.bases),
        english=params.english,
        matches=tuple(Match(**match) for match in params.matches),
    )
    write_figure(
        snakemake.wildcards.figure,
        Path(snakemake.input[0]),
        Path(snakemake.output.pdf),
        selection,
        analysis,
        study=params.study,
    )
