"""Rule score_reference: the English sides of the parallel sentences, scored by one model."""

from pathlib import Path

from growmerge.job import job
from growmerge import ids
from growmerge.artifacts import verify
from growmerge.evaluation.scores import Scored, update_scores

with job(snakemake.log[0], threads=snakemake.threads):
    model = Path(snakemake.input.model)
    update_scores(
        Path(snakemake.output[0]).parent,
        Scored(verify(model).digest, lambda: model, inputs=[model], name="reference"),
        {
            (ids.parity_reference(folder.parent.name), folder.name): folder
            for folder in map(Path, snakemake.input.benchmarks)
        },
        tokens_per_batch=snakemake.params.tokens_per_batch,
    )
