"""Rule merge_and_score: all merges of a combination, each scored and removed."""

from pathlib import Path

import torch

from growmerge.config.schema import Method
from growmerge.job import job
from growmerge.merging.combination import merge_and_score

with job(snakemake.log[0]):
    torch.set_num_threads(snakemake.threads)
    params = snakemake.params
    merge_and_score(
        {Path(member).name: Path(member) for member in snakemake.input.members},
        Path(snakemake.input.base),
        [Method.model_validate(method) for method in params.methods],
        params.dtype,
        params.seed,
        cells=dict(zip(map(tuple, params.cells), map(Path, snakemake.input.benchmarks), strict=True)),
        scores={Path(items).parent.name: Path(items).parent for items in snakemake.output},
        work=Path(params.work),
        tokens_per_batch=params.tokens_per_batch,
        kept={Path(folder).name: Path(folder) for folder in snakemake.input.kept},
    )
