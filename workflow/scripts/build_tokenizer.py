"""Rule build_tokenizer: train a byte-level BPE on the training split, or take an existing tokenizer."""

from pathlib import Path

from growmerge.artifacts import publish, verify
from growmerge.data.documents import read_documents
from growmerge.data.split import first_bytes, training_documents
from growmerge.data.tokenizer import load_tokenizer, save_tokenizer, take_tokenizer, train_tokenizer
from growmerge.job import job

with job(snakemake.log[0]) as log:
    config, heldout = snakemake.params.tokenizer, snakemake.params.heldout
    folders = [Path(folder) for folder in snakemake.input]
    with publish(Path(snakemake.output[0]), inputs=folders, config=config) as draft:
        if config["pretrained"]:
            take_tokenizer(config["pretrained"], config["revision"], draft.folder)
        else:
            texts: list[str] = []
            for folder in folders:
                verify(folder)
                documents = training_documents(read_documents(folder / "documents.parquet"), heldout[folder.name])
                texts += first_bytes(documents, config["max_bytes_each"])
            save_tokenizer(train_tokenizer(texts, config["vocab_size"]), draft.folder)
        entries = load_tokenizer(draft.folder)[0].get_vocab_size()
        draft.facts["entries"] = entries
        log.info("tokenizer of %d entries", entries)
