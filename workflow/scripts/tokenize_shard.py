"""Rule tokenize_shard: one shard of a corpus (or of a part of it) as token ids."""

import os
from dataclasses import asdict
from pathlib import Path

from growmerge.job import job
from growmerge.artifacts import publish, verify
from growmerge.data.corpus import DOCUMENTS
from growmerge.data.documents import iterate_documents
from growmerge.data.parts import IDS, Parts
from growmerge.data.shards import TOKENS, write_shard
from growmerge.data.split import TrainingText, read_heldout
from growmerge.data.tokenizer import load_tokenizer

with job(snakemake.log[0]) as log:
    os.environ["RAYON_NUM_THREADS"] = str(snakemake.threads)  # tokenizers reads it when it first encodes
    params, part, inputs = snakemake.params, snakemake.wildcards.part, snakemake.input
    shard, tokenizer = Path(inputs.documents), Path(inputs.tokenizer)
    evaluation, part_ids = ([Path(folder) for folder in folders] for folders in (inputs.evaluation, inputs.part_ids))
    for artifact in [shard, tokenizer, *part_ids]:
        verify(artifact)
    parts = Parts(params.parts, {folder.name: folder / IDS for folder in part_ids})
    text = TrainingText(read_heldout(evaluation), lambda identifier: parts.holds(part, identifier))
    config = {"part": part, "shard": snakemake.wildcards.shard, "parts": params.parts}
    sources = list(dict.fromkeys([shard, *evaluation, *part_ids, tokenizer]))
    with publish(Path(snakemake.output[0]), inputs=sources, config=config) as draft:
        documents = text.of(iterate_documents(shard / DOCUMENTS))
        draft.facts |= write_shard(documents, *load_tokenizer(tokenizer), draft.folder / TOKENS)
        draft.facts["dropped"] = {reason: asdict(tally) for reason, tally in text.dropped.items()}
        log.info("%(documents)d documents, %(bytes)d bytes, %(tokens)d tokens", draft.facts)
