"""Rule merge_and_score: all merges of a combination, each scored and removed."""

from pathlib import Path

from growmerge.job import job
from growmerge.benchmarks.listing import read_listing
from growmerge.catalogue.entry import Decoding
from growmerge.config.merging import Method
from growmerge.merging.combination import merge_and_score
from growmerge.merging.members import members_of
from growmerge.merging.merge import device_for
from growmerge.merging.recipe import Recipe

with job(snakemake.log[0], threads=snakemake.threads):
    params = snakemake.params
    members = members_of(snakemake.wildcards.combination, map(Path, snakemake.input.members))
    methods = [Method.model_validate(method) for method in params.methods]
    shared = (params.dtype, params.seed, device_for(params.device), params.mixed_dtypes)
    merge_and_score(
        {m.name: Recipe(members, Path(params.bases[m.name]), m, *shared) for m in methods},
        cells=read_listing(Path(snakemake.input.benchmarks)),
        scores={Path(file).parent.name: Path(file).parent for file in snakemake.output},
        work=Path(params.work),
        tokens_per_batch=params.tokens_per_batch,
        decoding={name: Decoding(**said) for name, said in params.decoding.items()},
        kept={Path(folder).name: Path(folder) for folder in snakemake.input.kept},
    )
