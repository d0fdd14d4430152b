"""Rule initialise_model: a model of random weights."""

from pathlib import Path

from growmerge.job import job
from growmerge.artifacts import publish, verify
from growmerge.config.models import Architecture
from growmerge.data.tokenizer import load_tokenizer
from growmerge.models.checkpoints import parameter_count, save_checkpoint
from growmerge.models.initialise import initialise, llama_config

with job(snakemake.log[0]) as log:
    tokenizer, params = Path(snakemake.input[0]), snakemake.params
    verify(tokenizer)
    architecture = Architecture.model_validate(params.architecture)
    _, begin_id, end_id = load_tokenizer(tokenizer)
    model = initialise(llama_config(architecture, params.vocab_size, begin_id, end_id), params.seed)
    config = {"architecture": params.architecture, "vocab_size": params.vocab_size, "seed": params.seed}
    with publish(Path(snakemake.output[0]), inputs=[tokenizer], config=config) as draft:
        save_checkpoint(model, draft.folder, tokenizer)
        draft.facts["parameters"] = parameter_count(model)
        log.info("%s parameters", f"{draft.facts['parameters']:,}")
