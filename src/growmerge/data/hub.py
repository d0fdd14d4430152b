"""Rows of a dataset of the Hugging Face hub, or of a local folder in its layout, streamed file by file."""

from __future__ import annotations

import glob
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from gzip import BadGzipFile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import yaml

from growmerge.config.corpora import HubSource
from growmerge.data.documents import BATCH, Document
from growmerge.data.files import as_id, as_text
from growmerge.errors import GrowmergeError

if TYPE_CHECKING:
    from datasets import IterableDataset


class HubFiles:
    """The files of a split of a dataset, of which any can be read by itself.

    They are streamed; of Parquet, Arrow reads up to 1 GiB ahead of what is taken (its scanner's back-pressure).
    """

    def __init__(self, source: HubSource) -> None:
        """Look the dataset up, without reading it. Raises GrowmergeError if it cannot be had."""
        from datasets import load_dataset_builder  # takes a second; only hub sources need it

        self.source = source
        if Path(source.dataset).is_dir() and glob.has_magic(str(Path(source.dataset).resolve())):
            raise GrowmergeError(
                f"{_named(source)}: the path of this folder has one of *?[], which `datasets` reads as a pattern; "
                "rename it, or read its files with `kind: files`"
            )
        with explained(source):
            self._builder = load_dataset_builder(source.dataset, source.config, revision=source.revision)
            if hasattr(self._builder.config, "on_mixed_types"):
                # For JSON lines. By default, one number among the texts would put all of them into quotation marks.
                self._builder.config.on_mixed_types = None
            if hasattr(self._builder.config, "columns"):
                # For Parquet. By default, it is the size of the first row group, which can be empty.
                self._builder.config.batch_size = BATCH
            count = self._builder.as_streaming_dataset(split=source.split).num_shards
            # More pieces than files there cannot be: a file is the least that `datasets` reads by itself.
            self.numbers = range(min(count, source.files or count))

    def read_documents(self, numbers: Sequence[int]) -> Iterator[Document]:
        """The documents of the files with these numbers (from 0).

        A row whose id field is null, or all rows where `id_field` is null, get their place in the dataset as their id:
        `name/config/split/file:row` (from 1). It is the same however the files are dealt out, as long as the dataset
        has the same revision.
        """
        text_field, id_field = self.source.text_field, self.source.id_field
        fields = [text_field, *([id_field] if id_field else [])]
        for place, file, row, (text, *ids) in self._records(numbers, fields):
            if ids in ([], [None]):
                identifier = f"{self.source.numbered}/{file}:{row}"
            else:
                identifier = f"{self.source.id_prefix or ''}{as_id(ids[0], place)}"
            yield Document(identifier, as_text(text, text_field, place))

    def read_ids(self, id_field: str) -> Iterator[str]:
        """The ids in the field `id_field` of all rows."""
        for place, (identifier,) in self.read_fields([id_field]):
            yield as_id(identifier, place)

    def read_fields(self, fields: Sequence[str]) -> Iterator[tuple[str, tuple[object, ...]]]:
        """(place for messages, values of these fields) of all rows."""
        for place, _, _, values in self._records(self.numbers, fields):
            yield place, values

    def _records(
        self, numbers: Sequence[int], fields: Sequence[str]
    ) -> Iterator[tuple[str, int, int, tuple[object, ...]]]:
        """(place for messages, number of the file, number of the row, values of the fields), numbers from 1."""
        rows = self._only(fields)
        for number in numbers:
            row = 0
            file = rows.shard(rows.num_shards, number).with_format("arrow")
            for table in self._tables(file.iter(batch_size=BATCH), number):
                self._check_fields(fields, table.column_names)
                for values in zip(*(table[field].to_pylist() for field in fields), strict=True):
                    row += 1
                    yield f"{_named(self.source)}: file {number + 1}, row {row}", number + 1, row, values

    def _only(self, fields: Sequence[str]) -> IterableDataset:
        """The rows with these fields alone: others may differ from file to file, in type or in being there at all."""
        from datasets import Features, Value

        builder: Any = self._builder
        known = builder.info.features
        if known is not None:
            self._check_fields(fields, list(known))
            # Of an empty table, pandas does not know the types.
            kept = {field: Value("string") if known[field] == Value("null") else known[field] for field in fields}
            builder.info.features = Features(kept)
        if hasattr(builder.config, "columns"):
            builder.config.columns = list(fields)
        elif hasattr(builder, "_cast_table"):
            # JSON lines and CSV are read whole. `datasets` casts each piece to the columns of the first one, and has
            # no option to leave some out before.
            cast = type(builder)._cast_table
            builder._cast_table = lambda table, *more, **named: cast(builder, _chosen(table, fields), *more, **named)
        with explained(self.source):
            return builder.as_streaming_dataset(split=self.source.split)

    def _tables(self, tables: Iterator[pa.Table], number: int) -> Iterator[pa.Table]:
        with explained(self.source, f"file {number + 1} of {len(self.numbers)}: "):
            yield from tables

    def _check_fields(self, wanted: Sequence[str], fields: Sequence[str]) -> None:
        where = _named(self.source)
        for field in wanted:
            if field in fields:
                continue
            if "blob_id" in fields and field == self.source.text_field:
                raise GrowmergeError(
                    f"{where}: no field '{field}': its rows (with {', '.join(fields)}) name files by their blob_id at "
                    "Software Heritage and hold no text; read it with `{kind: software_heritage, ids: ...}`, which "
                    "fetches the files, or point `dataset` at any dataset of code that has a text field"
                )
            hint = "set text_field" if field == self.source.text_field else "set id_field (null: rows are numbered)"
            raise GrowmergeError(f"{where}: no field '{field}'; it has {', '.join(fields)}: {hint}")


def _chosen(table: pa.Table, fields: Sequence[str]) -> pa.Table:
    """The columns of these names; all of them if one is missing, so that the error can say what there is."""
    return table.select(list(fields)) if set(fields) <= set(table.column_names) else table


def _named(source: HubSource) -> str:
    if Path(source.dataset).is_file():
        return f"'{source.dataset}'"
    details = [value for value in (source.config, source.split, source.revision) if value]
    return f"hub dataset '{source.dataset}' ({', '.join(details)})"


@contextmanager
def explained(source: HubSource, place: str = "") -> Iterator[None]:
    """Turns what `datasets` raises into one line that says what to do."""
    from datasets.exceptions import DatasetNotFoundError, DatasetsError
    from huggingface_hub.errors import HfHubHTTPError, HTTPError

    known = (OSError, EOFError, zlib.error, ValueError, RuntimeError, yaml.YAMLError, DatasetsError, HTTPError)
    try:
        yield
    except known as error:
        reason = " ".join(str(error).split())
        if "scripts are no longer supported" in reason:
            advice = (
                "it comes with code, which is never run; use a revision without it (`refs/convert/parquet` on the "
                "hub), or point `dataset` at its data files"
            )
        elif isinstance(error, RuntimeError):
            raise
        elif isinstance(error, yaml.YAMLError):
            advice = (
                "the metadata at the top of its README.md are no YAML; mend them, or remove the README.md of a folder"
            )
        elif isinstance(error, DatasetNotFoundError) and "gated" in reason:
            advice = (
                "accept its licence on its page, run `hf auth login` with an account that has access, and run again"
            )
        elif isinstance(error, DatasetNotFoundError):
            advice = "check the names of dataset and revision; if it is private, run `hf auth login`"
        elif isinstance(error, HfHubHTTPError):
            advice = "the hub refused it; run again later, or point `dataset` at a local copy in the hub's layout"
        elif isinstance(error, ConnectionError | HTTPError) or "connection" in reason:
            advice = (
                "check the network (is HF_HUB_OFFLINE set?), run this job where there is one, or point `dataset` at a "
                "local copy in the hub's layout"
            )
        elif isinstance(error, FileNotFoundError) and "://" in source.dataset:
            advice = "check the network, or download it and point `dataset` at the file"
        elif isinstance(error, FileNotFoundError):
            advice = "check the name of the dataset; a local one is a folder in the hub's layout"
        elif "No match for FieldRef" in reason:
            reason, advice = reason.partition(" in ")[0], "this file lacks a field that the first one has; mend it"
        elif place or isinstance(error, pa.ArrowInvalid | BadGzipFile | EOFError | zlib.error):
            advice = "the file is damaged, or a field holds values of several types; fetch it again, or mend it"
        else:
            advice = "correct config or split"
        raise GrowmergeError(f"{_named(source)}: {place}{reason.rstrip('.')}: {advice}") from error
