"""Rule build_tokenizer: train a byte-level BPE on the training split, or take an existing tokenizer."""

from pathlib import Path

from growmerge.artifacts import publish, verify
from growmerge.data.split import first_bytes, read_training_documents
from growmerge.data.tokenizer import check_size, save_tokenizer, take_tokenizer, train_tokenizer
from growmerge.job import job

with job(snakemake.log[0]) as log:
    config = snakemake.params.tokenizer
    evaluation = {Path(folder): share for folder, share in snakemake.params.evaluation.items()}
    folders = [Path(folder) for folder in snakemake.input.documents]
    inputs = list(dict.fromkeys([*folders, *evaluation]))
    with publish(Path(snakemake.output[0]), inputs=inputs, config=config) as draft:
        if config["pretrained"]:
            take_tokenizer(config["pretrained"], config["revision"], draft.folder)
        else:
            for folder in inputs:
                verify(folder)
            texts: list[str] = []
            for folder, heldout in zip(folders, snakemake.params.heldout, strict=True):
                texts += first_bytes(read_training_documents(folder, evaluation, heldout), config["max_bytes_each"])
            save_tokenizer(train_tokenizer(texts, config["vocab_size"]), draft.folder)
        draft.facts["entries"] = check_size(draft.folder, config["vocab_size"])
        log.info("tokenizer of %(entries)d entries", draft.facts)
