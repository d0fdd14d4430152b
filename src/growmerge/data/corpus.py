"""A shard of a corpus: its documents from all configured sources, cleaned, held out, written and accounted for."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from growmerge.artifacts import publish, sha256_file, verify
from growmerge.config.corpora import (
    ArchiveSource,
    Corpus,
    FileSource,
    HubSource,
    PackagedSource,
    Source,
    StandardLibrarySource,
    check_ids,
)
from growmerge.data.accounting import Tally
from growmerge.data.catalogues import read_catalogues
from growmerge.data.cleaning import Cleaner
from growmerge.data.documents import Document, DocumentWriter
from growmerge.data.files import read_files
from growmerge.data.hub import HubFiles
from growmerge.data.software_heritage import Fetched, read_archive
from growmerge.data.sources import read_stdlib_code, read_topics
from growmerge.errors import GrowmergeError
from growmerge.hashing import is_heldout
from growmerge.study.sharding import Shard

logger = logging.getLogger(__name__)
DOCUMENTS = "documents.parquet"  # what may be trained on
HELDOUT = "heldout.parquet"  # what is kept for evaluation

# What becomes of documents that are not trained on, in messages.
_FATES = {
    "heldout": "held out for evaluation (`heldout`)",
    "markup": "with markup or placeholders (`cleaning: strings`)",
    "short": "with fewer words than `min_words`, or without text",
    "duplicate_id": "with an id that an earlier one has",
    "duplicate_text": "with a text that an earlier one has",
}


def read_shard(
    corpus: Corpus,
    packages: Mapping[str, Path],
    shard: Shard,
    begin: Callable[[str, bool], None] | None = None,
    fetched: Fetched | None = None,
) -> Iterator[Document]:
    """The shard's documents of all sources, one after another, as they come; nothing is held in memory.

    Of hub datasets and local files, the shard reads its share of the files; of packages and Python's own text all
    shards read everything, and each takes the documents whose id hashes into it. So it does with the lists of what is
    fetched from the Software Heritage archive, which `fetched` keeps until the shard is whole. `packages` maps names to
    the folders that their wheels are in. `begin` is called before the documents of each source with its name, and
    whether ids are those of the English strings that its documents are translated from, or made of, so that sources
    share them.

    Raises GrowmergeError for ids that would be equal in two sources (:func:`check_ids`), and for a source that cannot
    be read, or has fewer files than there are shards.
    """
    check_ids(corpus.sources)
    for number, source in enumerate(corpus.sources):
        if begin:
            named = f"corpora.{corpus.name}.sources.{number} ({_name_of(source)})"
            begin(named, isinstance(source, PackagedSource | StandardLibrarySource))
        yield from _read_source(source, corpus.name, packages, shard, fetched)


def _read_source(
    source: Source, corpus: str, packages: Mapping[str, Path], shard: Shard, fetched: Fetched | None
) -> Iterator[Document]:
    match source:
        case HubSource():
            files = HubFiles(source)
            yield from files.read_documents(shard.deal(files.numbers, corpus, _name_of(source)))
        case FileSource():
            paths = shard.deal(source.files(), corpus, _name_of(source))
            yield from read_files(paths, source.text_field, source.id_field, source.id_prefix, source.lines)
        case ArchiveSource():
            assert fetched is not None, "the caller of a corpus with such a source keeps what is fetched"
            yield from read_archive(source, corpus, shard, fetched)
        case PackagedSource() | StandardLibrarySource():
            yield from (d for d in _read_packaged(source, packages) if shard.holds(d.id))


def _name_of(source: Source) -> str:
    match source:
        case HubSource():
            return f"hub dataset '{source.dataset}'"
        case FileSource():
            return f"paths {source.paths}"
        case PackagedSource():
            return f"packages {', '.join(source.packages)}"
        case ArchiveSource():
            return f"files of Software Heritage that {_name_of(source.ids)} lists"
        case StandardLibrarySource():
            return f"Python's {source.part}"


def _read_packaged(source: PackagedSource | StandardLibrarySource, packages: Mapping[str, Path]) -> Iterator[Document]:
    match source:
        case PackagedSource():
            wheels = [wheel for name in source.packages for wheel in sorted(packages[name].glob("*.whl"))]
            return read_catalogues(wheels, source.locale)
        case StandardLibrarySource(part="code"):
            return read_stdlib_code(source.max_bytes)
        case StandardLibrarySource():
            return read_topics()


def publish_documents(
    folder: Path, corpus: Corpus, shard: Shard, *, packages: Sequence[Path], files: Sequence[Path], work: Path
) -> None:
    """Publish the documents of a shard as `folder` (see `build_shard`).

    `packages` are the folders of all packages that `corpus` reads; `files` are the local files that the shard reads:
    their digests are facts of the manifest. `work` is the folder that keeps what is fetched file by file until the
    shard is whole. Raises GrowmergeError for a damaged package, and as `read_shard` does.
    """
    by_name = {verify(package).config["name"]: package for package in packages}
    fetched = Fetched(work)
    with publish(folder, inputs=packages, config=corpus.shaping() | {"shard": str(shard)}) as draft:
        draft.facts |= build_shard(corpus, by_name, shard, draft.folder, fetched)
        counts = ", ".join(f"{n} {facts['documents']:,}" for n, facts in draft.facts.items() if "documents" in facts)
        logger.info("%s, shard %s: documents %s", corpus.name, shard, counts)
        draft.facts["files"] = {str(file): sha256_file(file) for file in files}
    fetched.remove()


def build_shard(
    corpus: Corpus, packages: Mapping[str, Path], shard: Shard, folder: Path, fetched: Fetched | None = None
) -> dict[str, Any]:
    """Write the shard's documents to `folder`: `documents.parquet`, and `heldout.parquet` for evaluation.

    Cleaned as `corpus` says; duplicates are found within a shard, not across shards (what is to be trained on is
    compared with the held-out text of all shards when it is tokenized). With `max_bytes`, reading ends at the first
    document that does not fit into the shard's share of it, which is not counted.

    Raises GrowmergeError if nothing is left to train on, unless all is meant to be held out, with why each document
    fell; also of one shard of many, for nothing can be trained on such a shard. Raises it for less text than
    `max_bytes`.

    Returns, as {documents, bytes, characters} of the sources' text, `read` and each outcome, whose sum it is (`kept`,
    `heldout`, `markup`, `short`, `duplicate_id`, `duplicate_text`), and of the text as `written` to each file; as
    `archive`, if there is one, the number of its files that were fetched, or were not and why.
    """
    limit = None if corpus.max_bytes is None else corpus.max_bytes // shard.count
    cleaner = Cleaner(corpus.min_words, corpus.cleaning, corpus.placeholder)
    read = Tally()
    outcomes = {name: Tally() for name in ("kept", *_FATES)}
    written = {DOCUMENTS: Tally(), HELDOUT: Tally()}
    full = False
    outcome: str
    with DocumentWriter(folder / DOCUMENTS) as documents, DocumentWriter(folder / HELDOUT) as heldout:
        for document in read_shard(corpus, packages, shard, cleaner.begin, fetched):
            outcome, cleaned = cleaner.clean(document)
            if outcome == "kept" and is_heldout(document.id, corpus.heldout):
                outcome = "heldout"
                written[HELDOUT].add(cleaned.text)
                heldout.write(cleaned)
            elif outcome == "kept":
                full = limit is not None and written[DOCUMENTS].bytes + len(cleaned.text.encode()) > limit
                if full:
                    break
                written[DOCUMENTS].add(cleaned.text)
                documents.write(cleaned)
            read.add(document.text)
            outcomes[outcome].add(document.text)
    if limit is not None and not full:
        raise GrowmergeError(
            f"corpora.{corpus.name}.max_bytes = {corpus.max_bytes}: shard {shard} has only "
            f"{written[DOCUMENTS].bytes:,} of its {limit:,} bytes of text; lower it, or leave it out to take all"
        )
    _check_kept(corpus, shard, read, outcomes)
    if cleaner.other_texts:
        logger.warning(
            "%s, shard %s: %d documents were dropped for an id that a document of another text has, too; see id_field",
            *(corpus.name, shard, cleaner.other_texts),
        )
    return {
        "read": asdict(read),
        **{name: asdict(tally) for name, tally in outcomes.items()},
        "written": {name: asdict(tally) for name, tally in written.items()},
        **({"archive": dict(fetched.outcomes)} if fetched and fetched.outcomes else {}),
    }


def _check_kept(corpus: Corpus, shard: Shard, read: Tally, outcomes: Mapping[str, Tally]) -> None:
    if outcomes["kept"].documents or (corpus.heldout == 1 and outcomes["heldout"].documents):
        return
    fates = ", ".join(f"{n.documents:,} {_FATES[name]}" for name, n in outcomes.items() if n.documents) or "none"
    more = "" if shard.count == 1 else f", shard {shard} (with fewer `shards`, each gets more)"
    raise GrowmergeError(
        f"corpora.{corpus.name}{more}: no document is left to train on; of {read.documents:,} read: {fates}. If it is "
        "text to evaluate on only, set `heldout: 1`"
    )
