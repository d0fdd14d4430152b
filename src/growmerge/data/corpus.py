"""A shard of a corpus: its documents from all configured sources, cleaned, held out, written and accounted for."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from growmerge.artifacts import publish, sha256_file, verify
from growmerge.config.corpora import Corpus, FileSource, HubSource, PackagedSource, StandardLibrarySource
from growmerge.data.accounting import Tally
from growmerge.data.catalogues import read_catalogues
from growmerge.data.cleaning import Cleaner
from growmerge.data.documents import Document, DocumentWriter
from growmerge.data.files import check_file_names, read_files
from growmerge.data.hub import HubFiles
from growmerge.data.sources import read_stdlib_code, read_topics
from growmerge.hashing import is_heldout
from growmerge.study.sharding import Shard

logger = logging.getLogger(__name__)
DOCUMENTS = "documents.parquet"  # what may be trained on
HELDOUT = "heldout.parquet"  # what is kept for evaluation


def read_shard(corpus: Corpus, packages: Mapping[str, Path], shard: Shard) -> Iterator[Document]:
    """The shard's documents of all sources, one after another, as they come; nothing is held in memory.

    Of hub datasets and local files, the shard reads its share of the files; of packages and Python's own text all
    shards read everything, and each takes the documents whose id hashes into it. `packages` maps names to the folders
    that their wheels are in.

    Raises GrowmergeError for a source that cannot be read, or has fewer files than there are shards.
    """
    for source in corpus.sources:
        match source:
            case HubSource():
                files = HubFiles(source)
                numbers = shard.deal(files.numbers, corpus.name, f"hub dataset '{source.dataset}'")
                yield from files.read_documents(numbers)
            case FileSource():
                check_file_names(source.files(), source.id_field)
                paths = shard.deal(source.files(), corpus.name, f"paths {source.paths}")
                yield from read_files(paths, source.text_field, source.id_field)
            case PackagedSource() | StandardLibrarySource():
                yield from (d for d in _read_packaged(source, packages) if shard.holds(d.id))


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
    folder: Path, corpus: Corpus, shard: Shard, *, packages: Sequence[Path], files: Sequence[Path]
) -> None:
    """Publish the documents of a shard as `folder` (see `build_shard`).

    `packages` are the folders of all packages that `corpus` reads; `files` are the local files that the shard reads:
    their digests are facts of the manifest. Raises GrowmergeError for a damaged package, and as `read_shard` does.
    """
    by_name = {verify(package).config["name"]: package for package in packages}
    # Neither the parts nor the number of shards shape the documents of a shard, nor how many are expected.
    config = corpus.model_dump(mode="json", exclude={"parts", "shards", "expected"}) | {"shard": str(shard)}
    with publish(folder, inputs=packages, config=config) as draft:
        draft.facts |= build_shard(corpus, by_name, shard, draft.folder)
        counts = ", ".join(f"{name} {facts['documents']:,}" for name, facts in draft.facts.items() if name != "written")
        logger.info("%s, shard %s: documents %s", corpus.name, shard, counts)
        draft.facts["files"] = {str(file): sha256_file(file) for file in files}


def build_shard(corpus: Corpus, packages: Mapping[str, Path], shard: Shard, folder: Path) -> dict[str, Any]:
    """Write the shard's documents to `folder`: `documents.parquet`, and `heldout.parquet` for evaluation.

    Cleaned as `corpus` says; duplicates are found within a shard, not across shards (what is to be trained on is held
    against the held-out text of all shards when it is tokenized).

    Returns, as {documents, bytes, characters} of the sources' text, `read` and each outcome, whose sum it is (`kept`,
    `heldout`, `markup`, `short`, `duplicate_id`, `duplicate_text`), and of the text as `written` to each file.
    """
    cleaner = Cleaner(corpus.min_words, corpus.cleaning, corpus.placeholder)
    read = Tally()
    outcomes = {name: Tally() for name in ("kept", "heldout", "markup", "short", "duplicate_id", "duplicate_text")}
    written = {DOCUMENTS: Tally(), HELDOUT: Tally()}
    with DocumentWriter(folder / DOCUMENTS) as documents, DocumentWriter(folder / HELDOUT) as heldout:
        for document in read_shard(corpus, packages, shard):
            read.add(document.text)
            outcome, cleaned = cleaner.clean(document)
            if outcome == "kept" and is_heldout(document.id, corpus.heldout):
                outcomes["heldout"].add(document.text)
                written[HELDOUT].add(cleaned.text)
                heldout.write(cleaned)
            elif outcome == "kept":
                outcomes["kept"].add(document.text)
                written[DOCUMENTS].add(cleaned.text)
                documents.write(cleaned)
            else:
                outcomes[outcome].add(document.text)
    return {
        "read": asdict(read),
        **{name: asdict(tally) for name, tally in outcomes.items()},
        "written": {name: asdict(tally) for name, tally in written.items()},
    }
