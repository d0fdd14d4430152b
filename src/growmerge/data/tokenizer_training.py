"""The tokenizer of a study, as its configuration has it: trained on text, built from a package, or taken as it is."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path

from growmerge.artifacts import publish, verify
from growmerge.config.corpora import Tokenizer
from growmerge.data.corpus import DOCUMENTS
from growmerge.data.documents import Document, iterate_documents
from growmerge.data.split import TrainingText, first_bytes, read_heldout
from growmerge.data.tokenizer import (
    check_size,
    save_tokenizer,
    take_llama3_tokenizer,
    take_tokenizer,
    train_tokenizer,
    use_threads,
)

logger = logging.getLogger(__name__)


def publish_tokenizer(
    folder: Path,
    tokenizer: Tokenizer,
    *,
    corpora: Sequence[Sequence[Path]],
    evaluation: Sequence[Path],
    packages: Sequence[Path],
    threads: int,
) -> None:
    """Publish the tokenizer that the configuration `tokenizer` describes as `folder`.

    One that is trained reads `corpora` (the shards of documents of each, `max_bytes_each` of them) without any text
    that is held out in the shards of `evaluation`. `packages` holds the one package that a tokenizer is built from.
    Raises GrowmergeError for damaged inputs, a tokenizer that cannot be had, and more entries than `vocab_size`.
    """
    use_threads(threads)
    documents = [shard for shards in corpora for shard in shards]
    inputs = list(dict.fromkeys([*documents, *evaluation, *packages]))
    with publish(folder, inputs=inputs, config=tokenizer.model_dump(mode="json")) as draft:
        if tokenizer.pretrained:
            take_tokenizer(tokenizer.pretrained, tokenizer.revision, draft.folder)
        elif tokenizer.package:
            (package,) = packages
            verify(package)
            take_llama3_tokenizer(package, draft.folder)
        else:
            text = TrainingText(read_heldout(evaluation))
            texts = (
                passage
                for shards in corpora
                for passage in first_bytes(
                    text.of(_documents(shards), f"tokenizer.corpora: {shards[0].parent.name}"), tokenizer.max_bytes_each
                )
            )
            save_tokenizer(train_tokenizer(texts, tokenizer.vocab_size), draft.folder)
        entries = check_size(draft.folder, tokenizer.vocab_size)
        draft.facts["entries"] = entries
        logger.info("tokenizer of %d entries", entries)


def _documents(shards: Sequence[Path]) -> Iterator[Document]:
    """The documents of a corpus; shards that are not reached are not read, either."""
    for shard in shards:
        verify(shard)
        yield from iterate_documents(shard / DOCUMENTS)
