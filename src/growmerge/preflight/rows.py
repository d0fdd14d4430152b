"""Whether a data set has the configuration, splits and columns that a study reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from growmerge.benchmarks import formats
from growmerge.benchmarks.rows import lacking
from growmerge.config.benchmarks import FILES, file_ending, is_file
from growmerge.config.corpora import FileSource, HubSource
from growmerge.data.hub import explained
from growmerge.errors import GrowmergeError
from growmerge.preflight.repository import nearest
from growmerge.study.preflight import Need


def missing_of_rows(need: Need) -> list[str]:
    """What is not there of rows, each with the nearest name; columns are those of the first file of a split.

    Of Parquet the schema alone is read, of other files the first row. Raises GrowmergeError for what `datasets` cannot
    read.
    """
    split = " + ".join(need.splits) or "all"
    source = HubSource(kind="hub", dataset=need.name, config=need.config, split=split, revision=need.revision)
    with explained(source):
        return list(_missing_of_file(need.name, need.columns) if is_file(need.name) else _missing(need))


def missing_of_files(need: Need) -> list[str]:
    """What is not there of local files: anything that the path or glob matches, and the columns of the first match."""
    try:
        first = str(FileSource(kind="files", paths=[need.name]).files()[0])
    except GrowmergeError:
        return [f"no such file: {nearest(need.name, beside(Path(need.name)))}"]
    if file_ending(first) not in FILES:
        return []
    with explained(HubSource(kind="hub", dataset=first)):
        return list(_missing_of_file(first, need.columns))


def beside(path: Path) -> list[str]:
    """What there is in the folder where a path should be."""
    return [str(other) for other in path.parent.iterdir()] if path.parent.is_dir() else []


def _missing_of_file(path: str, columns: tuple[str, ...]) -> Iterator[str]:
    from datasets import load_dataset_builder

    if "://" not in path and not Path(path).is_file():
        yield f"no such file: {nearest(path, beside(Path(path)))}"
    elif columns:
        yield from _missing_columns(load_dataset_builder(**formats.builder_arguments(path)), "train", columns)


def _missing(need: Need) -> Iterator[str]:
    from datasets import load_dataset_builder

    known = _folders(need.name, need.revision) if need.in_folders else _configs(need.name, need.revision)
    if need.config is None and len(known) > 1 and "default" not in known and not need.in_folders:
        yield f"no configuration is named: {nearest('', known)}"
        return
    if need.config is not None and need.config not in known:
        yield f"no configuration '{need.config}': {nearest(need.config, known)}"
        return
    chosen = {"data_dir" if need.in_folders else "name": need.config}
    builder = load_dataset_builder(need.name, revision=need.revision, **chosen)
    splits = list(map(str, builder.config.data_files))
    for split in need.splits or splits:
        if split not in splits:
            yield f"no split '{split}': {nearest(split, splits)}"
            continue
        files = len(builder.config.data_files[split])
        if files < need.shards:
            yield f"split '{split}' has {files} of {need.shards} files: every shard reads whole ones, so lower `shards`"
        yield from _missing_columns(builder, split, need.columns)


def _missing_columns(builder: Any, split: str, columns: tuple[str, ...]) -> Iterator[str]:
    formats.configure(builder.config)
    row = _first_row(builder, split, columns)
    if row is None:
        yield f"no rows in split '{split}'"
        return
    for column in columns:
        if column not in row and lacking(row, column):
            yield f"no column '{column}' in split '{split}': {nearest(column, _paths(row))}"


def _first_row(builder: Any, split: str, columns: tuple[str, ...]) -> Mapping[str, Any] | None:
    """A row, or what stands for one: the schema of a Parquet file, with a struct as a mapping."""
    import fsspec
    import pyarrow.parquet as pq

    file = str(builder.config.data_files[split][0])
    if file_ending(file) != ".parquet":
        required = {column.partition(".")[0]: True for column in columns}
        return next(formats.rows(builder, split, file, required), None)
    with fsspec.open(file) as opened:
        schema = pq.read_schema(opened)
    return {field.name: _shape(field.type) for field in schema}


def _shape(kind: Any) -> Any:
    import pyarrow as pa

    if pa.types.is_struct(kind):
        return {field.name: _shape(field.type) for field in kind}
    return [] if pa.types.is_list(kind) or pa.types.is_large_list(kind) else ""


def _paths(row: Mapping[str, Any], above: str = "") -> Iterator[str]:
    for name, value in row.items():
        yield above + name
        if isinstance(value, Mapping):
            yield from _paths(value, f"{above}{name}.")


@cache
def _configs(name: str, revision: str | None) -> list[str]:
    from datasets import get_dataset_config_names

    return list(get_dataset_config_names(name, revision=revision))


@cache
def _folders(name: str, revision: str | None) -> list[str]:
    from huggingface_hub import HfApi
    from huggingface_hub.hf_api import RepoFolder

    if Path(name).is_dir():
        return [path.name for path in Path(name).iterdir() if path.is_dir()]
    tree = HfApi().list_repo_tree(name, repo_type="dataset", revision=revision)
    return [entry.path for entry in tree if isinstance(entry, RepoFolder)]
