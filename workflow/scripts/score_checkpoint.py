"""Rule score_checkpoint: bring the scores of one intermediate checkpoint up to date."""

from pathlib import Path

from growmerge.job import job
from growmerge.artifacts import verify
from growmerge.benchmarks.listing import read_listing
from growmerge.catalogue.entry import Decoding
from growmerge.evaluation.scores import Scored, update_scores
from growmerge.models.published import published_checkpoint

with job(snakemake.log[0], threads=snakemake.threads):
    checkpoint = published_checkpoint(Path(snakemake.input.checkpoint), snakemake.params.step)
    update_scores(
        Path(snakemake.output[0]).parent,
        Scored(verify(checkpoint).digest, lambda: checkpoint, inputs=[checkpoint], name=snakemake.wildcards.checkpoint),
        read_listing(Path(snakemake.input.benchmarks)),
        tokens_per_batch=snakemake.params.tokens_per_batch,
        decoding={name: Decoding(**said) for name, said in snakemake.params.decoding.items()},
    )
