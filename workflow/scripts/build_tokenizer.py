"""Rule build_tokenizer: train a byte-level BPE on training text, or take an existing tokenizer."""

import os
from collections.abc import Iterator
from pathlib import Path

from growmerge.job import job
from growmerge.artifacts import publish, verify
from growmerge.data.corpus import DOCUMENTS
from growmerge.data.documents import Document, iterate_documents
from growmerge.data.split import TrainingText, first_bytes, read_heldout
from growmerge.data.tokenizer import (
    check_size,
    save_tokenizer,
    take_llama3_tokenizer,
    take_tokenizer,
    train_tokenizer,
)


def documents_of(shards: list[Path]) -> Iterator[Document]:
    """Documents of a corpus; the shards that are not reached are not read, either."""
    for shard in shards:
        verify(shard)
        yield from iterate_documents(shard / DOCUMENTS)


with job(snakemake.log[0]) as log:
    os.environ["RAYON_NUM_THREADS"] = str(snakemake.threads)  # tokenizers reads it when it first encodes
    config, inputs = snakemake.params.tokenizer, snakemake.input
    folders = [Path(folder) for folder in dict.fromkeys([*inputs.documents, *inputs.evaluation, *inputs.packages])]
    with publish(Path(snakemake.output[0]), inputs=folders, config=config) as draft:
        if config["pretrained"]:
            take_tokenizer(config["pretrained"], config["revision"], draft.folder)
        elif config["package"]:
            verify(folders[0])
            take_llama3_tokenizer(folders[0], draft.folder)
        else:
            training = TrainingText(read_heldout(map(Path, inputs.evaluation)))
            corpora = [[Path(shard) for shard in shards] for shards in snakemake.params.shards]
            texts = (
                text
                for shards in corpora
                for text in first_bytes(training.of(documents_of(shards)), config["max_bytes_each"])
            )
            save_tokenizer(train_tokenizer(texts, config["vocab_size"]), draft.folder)
        draft.facts["entries"] = check_size(draft.folder, config["vocab_size"])
        log.info("tokenizer of %(entries)d entries", draft.facts)
