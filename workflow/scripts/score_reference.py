"""Rule score_reference: the English sides of the parallel sentences, scored by one model."""

from pathlib import Path

from growmerge.job import job
from growmerge.artifacts import verify
from growmerge.benchmarks.items import PARITY_REFERENCE
from growmerge.evaluation.scores import Scored, update_scores

with job(snakemake.log[0], threads=snakemake.threads):
    model = Path(snakemake.input.model)
    update_scores(
        Path(snakemake.output[0]).parent,
        Scored(verify(model).digest, lambda: model, inputs=[model], name="reference"),
        {(PARITY_REFERENCE, Path(folder).name): Path(folder) for folder in snakemake.input.benchmarks},
        tokens_per_batch=snakemake.params.tokens_per_batch,
    )
