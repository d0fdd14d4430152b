"""Rule tokenize_shard: one shard of a corpus (or of a part of it) as token ids."""

from pathlib import Path

from growmerge.artifacts import publish, verify
from growmerge.data.shards import TOKENS, write_shard
from growmerge.data.split import in_part, in_shard, read_training_documents
from growmerge.data.tokenizer import load_tokenizer
from growmerge.job import job

with job(snakemake.log[0]) as log:
    params, wildcards = snakemake.params, snakemake.wildcards
    corpus, tokenizer_folder = Path(snakemake.input.documents), Path(snakemake.input.tokenizer)
    evaluation = {Path(folder): share for folder, share in params.evaluation.items()}
    inputs = list(dict.fromkeys([corpus, *evaluation, tokenizer_folder]))
    for artifact in inputs:
        verify(artifact)
    documents = read_training_documents(corpus, evaluation, params.heldout)
    chosen = in_shard(in_part(documents, wildcards.part, params.parts), wildcards.shard)
    config = {"part": wildcards.part, "shard": wildcards.shard, "parts": params.parts, "heldout": params.heldout}
    with publish(Path(snakemake.output[0]), inputs=inputs, config=config) as draft:
        draft.facts |= write_shard(chosen, *load_tokenizer(tokenizer_folder), draft.folder / TOKENS)
        log.info("%(documents)d documents, %(bytes)d bytes, %(tokens)d tokens", draft.facts)
