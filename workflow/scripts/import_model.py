"""Rule import_model: a checkpoint from the hub or a folder; models of others, which are only scored, as they are."""

from pathlib import Path

from growmerge.job import job
from growmerge.artifacts import publish
from growmerge.config.references import parse_reference
from growmerge.models.importing import import_checkpoint, import_external

with job(snakemake.log[0]):
    reference = parse_reference(snakemake.params.reference)
    take = import_external if snakemake.params.external else import_checkpoint
    with publish(Path(snakemake.output[0]), config=dict(snakemake.params.items())) as draft:
        draft.facts |= take(reference, draft.folder)
