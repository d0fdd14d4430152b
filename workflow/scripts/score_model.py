"""Rule score_model: bring the scores of one model up to date."""

from pathlib import Path

from growmerge.job import job
from growmerge.artifacts import verify
from growmerge.benchmarks.listing import read_listing
from growmerge.catalogue.entry import Decoding
from growmerge.evaluation.scores import Scored, update_scores

with job(snakemake.log[0], threads=snakemake.threads):
    model = Path(snakemake.input.model)
    update_scores(
        Path(snakemake.output[0]).parent,
        Scored(verify(model).digest, lambda: model, inputs=[model], name=snakemake.wildcards.model),
        read_listing(Path(snakemake.input.benchmarks)),
        tokens_per_batch=snakemake.params.tokens_per_batch,
        decoding={name: Decoding(**said) for name, said in snakemake.params.decoding.items()},
    )
