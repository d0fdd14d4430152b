"""The documents of a corpus, from all its configured sources."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from growmerge.config.corpora import FileSource, HubSource, PackagedSource, Source, StandardLibrarySource
from growmerge.data.catalogues import read_catalogues
from growmerge.data.documents import Document
from growmerge.data.files import read_files
from growmerge.data.sources import read_stdlib_code, read_topics
from growmerge.errors import GrowmergeError


def read_sources(sources: Sequence[Source], packages: Mapping[str, Path]) -> Iterator[Document]:
    """Documents of all sources, one after another; `packages` maps names to the folders their wheels are in."""
    for source in sources:
        match source:
            case PackagedSource():
                wheels = [wheel for name in source.packages for wheel in sorted(packages[name].glob("*.whl"))]
                yield from read_catalogues(wheels, source.locale)
            case StandardLibrarySource(part="code"):
                yield from read_stdlib_code(source.max_bytes)
            case StandardLibrarySource():
                yield from read_topics()
            case FileSource():
                yield from read_files(source.files(), source.text_field, source.id_field)
            case HubSource():
                yield from read_hub(source)


def read_hub(source: HubSource) -> Iterator[Document]:
    """Rows of a dataset of the hub, or of a local folder in its layout, streamed.

    Raises GrowmergeError where it cannot be had, or has no such field.
    """
    from datasets import load_dataset
    from datasets.exceptions import DatasetNotFoundError

    where = f"corpora: hub dataset '{source.dataset}'"
    try:
        rows = load_dataset(source.dataset, source.config, split=source.split, revision=source.revision, streaming=True)
        for number, row in enumerate(rows):
            if source.text_field not in row:
                raise GrowmergeError(f"{where}: no field '{source.text_field}'; it has {', '.join(row)}")
            identifier = row.get(source.id_field) if source.id_field else None
            yield Document(str(number if identifier is None else identifier), row[source.text_field])
    except (DatasetNotFoundError, ConnectionError, OSError, ValueError) as error:
        reason = str(error).strip().splitlines()[0]
        raise GrowmergeError(
            f"{where}: cannot be read: {reason} Check the name and the network; if it is gated, accept its licence and "
            "run `hf auth login`; or point the source at local files (kind: files)."
        ) from error
