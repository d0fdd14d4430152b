"""Rule tune_coefficients: fit the coefficients of a merge to the tuning half of held-out text."""

from growmerge.job import heavy_imports, job, snakemake

with heavy_imports():
    from pathlib import Path

    from growmerge import ids
    from growmerge.merging.coefficients import tune_coefficients
    from growmerge.merging.request import recipe_to_tune

with job(snakemake.log[0], threads=snakemake.threads):
    params, inputs, combination = snakemake.params, snakemake.input, snakemake.wildcards.combination
    recipe = recipe_to_tune(
        combination,
        holders=[Path(folder) for folder in inputs.members],
        params=params.method,
        base=Path(inputs.base),
        modules=[Path(file) for file in inputs.modules],
        statistics=[Path(folder) for folder in inputs.statistics],
        seed=params.seed,
    )
    texts = dict(zip(ids.languages_of(combination), map(Path, inputs.texts), strict=True))
    folder = Path(snakemake.output[0])
    results = folder.parents[4]  # above statistics/coefficients/{setup}/{combination}/{method}
    tune_coefficients(recipe, texts, folder, work=results / "work" / folder.relative_to(results))
