"""Rule clone_model: a wider model that computes the same function."""

from pathlib import Path

from growmerge.job import job
from growmerge.artifacts import publish, verify
from growmerge.models.checkpoints import load_checkpoint, parameter_count, save_checkpoint
from growmerge.models.hyperclone import hyperclone

with job(snakemake.log[0]) as log:
    parent, clone, seed = Path(snakemake.input[0]), snakemake.params.clone, snakemake.params.seed
    verify(parent)
    model = hyperclone(load_checkpoint(parent), clone["factor"], clone["snr_db"], seed)
    with publish(Path(snakemake.output[0]), inputs=[parent], config={**clone, "seed": seed}) as draft:
        save_checkpoint(model, draft.folder, parent)
        draft.facts["parameters"] = parameter_count(model)
        log.info("%s parameters", f"{draft.facts['parameters']:,}")
