"""Sizes of corpora of local files whose size is not stated: a plan counts them itself."""

from __future__ import annotations

from growmerge.config import Study
from growmerge.config.corpora import Corpus, Expected, FileSource
from growmerge.config.own_text import size_of


def counted_files(study: Study) -> dict[str, Expected]:
    """Corpus -> its size, by the beginnings of its files; of corpora of text files alone that state none."""
    unknown = [corpus for corpus in study.corpora if corpus.expected is None and not corpus.parts]
    return {corpus.name: size for corpus in unknown if (size := _size(corpus))}


def _size(corpus: Corpus) -> Expected | None:
    if not all(isinstance(source, FileSource) for source in corpus.sources):
        return None
    sizes = [size_of(source.model_dump()) for source in corpus.sources]
    if not all(sizes):
        return None
    trained = 1 - corpus.heldout
    totals = {key: sum(size[key] for size in sizes if size) for key in ("documents", "tokens", "characters")}
    return Expected(**{key: max(1, round(total * trained)) for key, total in totals.items()})
