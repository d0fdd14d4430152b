"""The rows of a benchmark's dataset: of the hub, a local folder in the hub's layout, or a single file (or its URL)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from growmerge.benchmarks import formats
from growmerge.benchmarks.digests import with_digest
from growmerge.benchmarks.records import Record, whole
from growmerge.catalogue.entry import Dataset
from growmerge.config.benchmarks import is_file
from growmerge.config.corpora import HubSource
from growmerge.data.hub import explained
from growmerge.errors import GrowmergeError


class Rows:
    """The rows of a dataset, in the order of its configurations, splits and rows in these."""

    def __init__(self, dataset: Dataset, fields: Mapping[str, str]) -> None:
        """`fields` as in :class:`growmerge.catalogue.entry.Entry`."""
        self.dataset = dataset
        self.fields = fields
        self.revisions: set[str] = set()  # the commits that were read, of a dataset of the hub

    def records(self, splits: Iterable[str] | None = None) -> Iterator[Record]:
        """The records of these splits (else the dataset's), one after another.

        A record's subset is its split where a dataset is cut into splits by what they test. Raises GrowmergeError where
        the dataset cannot be had, or lacks a configuration, split or column, with what to do.
        """
        by_split = not self.dataset.splits
        for config in self.dataset.configs:
            for split, rows in self._splits(config, list(splits or self.dataset.splits)):
                place = "/".join(filter(None, [config, split]))
                checked = False
                for number, row in enumerate(rows, start=1):
                    if not checked:
                        self._check_columns(row, place)
                        checked = True
                    values = {name: whole(_dig(row, path.lstrip("?"))) for name, path in self.fields.items()}
                    yield Record(f"{place}:{number}", values, split if by_split else "")

    def _splits(self, config: str | None, splits: list[str]) -> Iterator[tuple[str, Iterable[Mapping[str, Any]]]]:
        from datasets import get_dataset_split_names, load_dataset_builder  # takes a second

        path = self.dataset.id or ""
        source = HubSource(
            kind="hub", dataset=path, config=config, split=" + ".join(splits) or "all", revision=self.dataset.revision
        )
        with ExitStack() as stack:
            with explained(source):
                file = path if is_file(path) else formats.file_of_config(Path(path), config)
                if file:
                    read = stack.enter_context(with_digest(str(file), self.dataset.sha256))
                    builder = load_dataset_builder(**formats.builder_arguments(read))
                    names = ["train"]
                else:
                    arguments = {"path": path, "revision": self.dataset.revision, **_selected(self.dataset, config)}
                    builder = load_dataset_builder(**arguments)
                    names = splits or get_dataset_split_names(**_renamed(arguments))
                formats.configure(builder.config)
                if builder.repo_id:
                    self.revisions.add(str(builder.hash))
            columns: dict[str, bool] = {}
            for field in self.fields.values():
                column = field.lstrip("?").partition(".")[0]
                columns[column] = columns.get(column, False) or not field.startswith("?")
            for name in names:
                yield name, _rows(builder, name, source, columns)

    def _check_columns(self, row: Mapping[str, Any], place: str) -> None:
        for name, path in self.fields.items():
            found = "" if path.startswith("?") else lacking(row, path)
            if found:
                raise GrowmergeError(
                    f"dataset '{self.dataset.id}' ({place}): no column '{path}' for `{name}`; {found}: set `fields` of "
                    "the benchmark"
                )


def _selected(dataset: Dataset, config: str | None) -> dict[str, str | None]:
    return {"data_dir" if dataset.in_folders else "name": config}


def _renamed(arguments: Mapping[str, Any]) -> dict[str, Any]:
    return {"config_name" if key == "name" else key: value for key, value in arguments.items()}


def _rows(builder: Any, split: str, source: HubSource, columns: Mapping[str, bool]) -> Iterator[Mapping[str, Any]]:
    with explained(source):
        yield from formats.rows(builder, split, source.dataset, columns)


def lacking(row: Mapping[str, Any], path: str) -> str:
    """What stands in the place of a column that is not there; "" where it is, or where a hole hides whether it is."""
    value: Any = row
    at = ""
    for key in path.split("."):
        if value is None:
            return ""
        if not isinstance(value, Mapping):
            return f"'{at}' is a {type(value).__name__}"
        if key not in value:
            return f"{repr(at) if at else 'it'} has {', '.join(value)}"
        value, at = value[key], f"{at}.{key}".lstrip(".")
    return ""


def _dig(row: Mapping[str, Any], path: str) -> Any:
    value: Any = row
    for key in path.split("."):
        value = value.get(key) if isinstance(value, Mapping) else None
    return value
