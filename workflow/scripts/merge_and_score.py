"""Rule merge_and_score: all merges of a combination, each scored from memory."""

from growmerge.job import heavy_imports, job, snakemake

with heavy_imports():
    from pathlib import Path

    from growmerge.benchmarks.listing import read_listings
    from growmerge.catalogue.entry import Decoding
    from growmerge.merging.combination import merge_and_score
    from growmerge.merging.request import Request

with job(snakemake.log[0], threads=snakemake.threads):
    params, inputs = snakemake.params, snakemake.input
    request = Request(
        combination=snakemake.wildcards.combination,
        holders=[Path(folder) for folder in inputs.members],
        methods=params.methods,
        bases={name: Path(folder) for name, folder in params.bases.items()},
        modules=[Path(file) for file in inputs.modules],
        statistics=[Path(folder) for folder in inputs.statistics],
        dtype=params.dtype,
        seed=params.seed,
        device=params.device,
        mixed_dtypes=params.mixed_dtypes,
    )
    merge_and_score(
        request.recipes(),
        cells=read_listings(map(Path, inputs.benchmarks)),
        scores={Path(file).parent.name: Path(file).parent for file in snakemake.output},
        work=Path(params.work),
        tokens_per_batch=params.tokens_per_batch,
        decoding={name: Decoding(**said) for name, said in params.decoding.items()},
        kept={Path(folder).name: Path(folder) for folder in inputs.kept},
    )
