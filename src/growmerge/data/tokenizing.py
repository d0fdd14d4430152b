"""A shard of a corpus as token ids: what models are trained on."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from growmerge.artifacts import publish, verify
from growmerge.data.corpus import DOCUMENTS
from growmerge.data.documents import iterate_documents
from growmerge.data.parts import IDS, Parts, Share
from growmerge.data.shards import TOKENS, write_shard
from growmerge.data.split import TrainingText, read_heldout
from growmerge.data.tokenizer import load_tokenizer, use_threads
from growmerge.study.sharding import Shard

logger = logging.getLogger(__name__)


def publish_tokens(
    folder: Path,
    part: str,
    shard: Shard,
    *,
    documents: Path,
    tokenizer: Path,
    evaluation: Sequence[Path],
    parts: Sequence[Share],
    part_ids: Sequence[Path],
    threads: int,
) -> None:
    """Publish the tokens of what belongs to `part` in a shard of `documents` as `folder`.

    `parts` are those of the corpus (none if `part` is the corpus itself), `part_ids` the lists of their ids, each in a
    folder of the part's name. Texts that are held out in the shards of `evaluation` are left out.
    Raises GrowmergeError for damaged inputs, and for a document that is on the lists of two parts.
    """
    use_threads(threads)
    for artifact in [documents, tokenizer, *part_ids]:
        verify(artifact)
    belongs = Parts(parts, {ids.name: ids / IDS for ids in part_ids})
    text = TrainingText(read_heldout(evaluation), lambda identifier: belongs.holds(part, identifier))
    config = {"part": part, "shard": str(shard), "parts": list(parts)}
    inputs = list(dict.fromkeys([documents, *evaluation, *part_ids, tokenizer]))
    with publish(folder, inputs=inputs, config=config) as draft:
        taken = text.of(iterate_documents(documents / DOCUMENTS), f"{part}, shard {documents.name}")
        draft.facts |= write_shard(taken, *load_tokenizer(tokenizer), draft.folder / TOKENS)
        draft.facts["dropped"] = {reason: asdict(tally) for reason, tally in text.dropped.items()}
        logger.info("%(documents)d documents, %(bytes)d bytes, %(tokens)d tokens", draft.facts)
