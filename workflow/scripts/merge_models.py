"""Rule merge_models: one merged checkpoint that is kept, with the scores that it has already in its card."""

from growmerge.job import heavy_imports, job, snakemake

with heavy_imports():
    from pathlib import Path

    from growmerge.merging.merge import keep_merge
    from growmerge.merging.request import Request

with job(snakemake.log[0], threads=snakemake.threads):
    params, inputs = snakemake.params, snakemake.input
    request = Request(
        combination=snakemake.wildcards.combination,
        holders=[Path(folder) for folder in inputs.members],
        methods=[params.method],
        bases={params.method["name"]: Path(inputs.base)},
        modules=[Path(file) for file in inputs.modules],
        statistics=[Path(folder) for folder in inputs.statistics],
        dtype=params.dtype,
        seed=params.seed,
        device=params.device,
        mixed_dtypes=params.mixed_dtypes,
    )
    (recipe,) = request.recipes().values()
    keep_merge(Path(snakemake.output[0]), recipe, scores=Path(params.scores).parent)
