"""Rule draw_figure: a figure as PDF, PNG and SVG, with its data as CSV and its caption."""

from growmerge.job import heavy_imports, job, snakemake

with heavy_imports():
    from pathlib import Path

    from growmerge.config.analysis import Analysis
    from growmerge.figures.common.selection import Selection
    from growmerge.figures.common.write import write_figure

with job(snakemake.log[0]):
    params = snakemake.params
    analysis = Analysis.model_validate(params.analysis)
    selection = Selection.of(params.selection, analysis)
    write_figure(
        snakemake.wildcards.figure,
        Path(snakemake.input.table),
        Path(snakemake.output.pdf),
        selection,
        analysis,
        study=params.study,
        contrasts=next(map(Path, snakemake.input.contrasts), None),
        signal=next(map(Path, snakemake.input.signal), None),
    )
