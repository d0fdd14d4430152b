"""Rule merge_models: one merged checkpoint that is kept, with the scores that it has already in its card."""

from pathlib import Path

from growmerge.job import job
from growmerge.config.merging import Method
from growmerge.merging.card import write_card
from growmerge.merging.members import members_of
from growmerge.merging.merge import device_for, merge_models
from growmerge.merging.recipe import Recipe

with job(snakemake.log[0], threads=snakemake.threads):
    params = snakemake.params
    members = members_of(snakemake.wildcards.combination, map(Path, snakemake.input.members))
    method = Method.model_validate(params.method)
    shared = (params.dtype, params.seed, device_for(params.device), params.mixed_dtypes)
    recipe = Recipe(members, Path(snakemake.input.base), method, *shared)
    folder = Path(snakemake.output[0])
    merge_models({folder: recipe})
    write_card(folder, recipe, Path(params.scores).parent)
