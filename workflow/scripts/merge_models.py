"""Rule merge_models: one merged checkpoint that is kept."""

from pathlib import Path

from growmerge.config.schema import Method
from growmerge.job import job
from growmerge.merging.merge import merge_models

with job(snakemake.log[0]):
    merge_models(
        {Path(member).name: Path(member) for member in snakemake.input.members},
        Path(snakemake.input.base),
        Method.model_validate(snakemake.params.method),
        snakemake.params.dtype,
        snakemake.params.seed,
        Path(snakemake.output[0]),
    )
