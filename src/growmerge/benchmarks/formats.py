"""How `datasets` is told to read files of the formats that benchmarks come in, and what is said of ones it cannot."""

from __future__ import annotations

import csv
import glob
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from growmerge.config.benchmarks import FILES, file_ending
from growmerge.errors import GrowmergeError

_INDEX = "__index_level_0__"  # the column that pandas makes of a field too many in the first row of CSV
_QUOTED = re.compile(r'"(?:[^"]|"")*""(?:[^"]|"")*"')


def builder_arguments(path: str) -> dict[str, Any]:
    """What `datasets` is asked for to read a file. Raises GrowmergeError if its kind is unknown, or it is absent."""
    ending = file_ending(path)
    if ending not in FILES:
        raise GrowmergeError(f"{path}: unknown kind of file; the ending must be one of {', '.join(FILES)}")
    if "://" not in path and not Path(path).is_file():
        raise GrowmergeError(f"{path}: no such file")
    # Tab-separated text has no quoting by convention: a quotation mark is part of the text.
    options = {"sep": "\t", "quoting": csv.QUOTE_NONE} if ending == ".tsv" else {}
    # `datasets` takes a path for a pattern, in which brackets stand for one character.
    files = path if "://" in path else glob.escape(path)
    return {"path": FILES[ending], "data_files": files, **options}


def configure(config: Any) -> None:
    """Set what the configuration of a builder has because of its format."""
    if _is_csv(config):  # "NA" and "null" are words; what is missing is empty
        config.keep_default_na, config.na_values = False, [""]
    if hasattr(config, "on_bad_files"):  # Parquet, whose default is the size of the first row group: it can be empty
        config.batch_size = 1000


def file_of_config(folder: Path, config: str | None) -> Path | None:
    """The file of a configuration where a folder without a card has one file each, such as BLiMP's repository."""
    if config is None or (folder / "README.md").exists() or (folder / config).exists():
        return None
    files = (folder / f"{config}{ending}{packed}" for ending in FILES for packed in ("", ".gz"))
    return next((file for file in files if file.is_file()), None)


def rows(builder: Any, split: str, name: str, columns: Mapping[str, bool]) -> Iterator[Mapping[str, Any]]:
    """The rows of a split; of formats with types only these columns, {name: whether it is required}.

    Raises GrowmergeError, which begins with `name`, where text cannot be decoded or parsed.
    """
    from pandas.errors import EmptyDataError, ParserError

    quoting = builder.config.quoting if _is_csv(builder.config) else None
    try:
        for row in _only(builder, split, columns):
            if quoting is not None:
                _check_fields(row, quoting)
            yield row
    except (StopIteration, EmptyDataError):  # of empty files: of JSON lines, of CSV
        return
    except UnicodeDecodeError as error:
        raise GrowmergeError(f"{name} ({split}): {error}: it is not UTF-8; convert it") from error
    except ParserError as error:
        raise GrowmergeError(
            f"{name} ({split}): {' '.join(str(error).split())}: in CSV, texts with commas or quotation marks stand in "
            "quotation marks, their own doubled; in TSV, texts hold no tabs and are never quoted"
        ) from error


def _only(builder: Any, split: str, columns: Mapping[str, bool]) -> Any:
    """The streamed rows of a split: what is not read may differ from file to file, in type or in being there at all.

    `datasets` casts every table to the columns and types of the first one, and has no option to leave some out. Here,
    only `columns` are cast; one that a table lacks is null in its rows. If the first table lacks one that is required,
    the rows are as `datasets` gives them.
    """
    from datasets import Features, Value

    stream = builder.as_streaming_dataset(split=split)
    known = builder.info.features
    if _is_csv(builder.config) or known is None or not hasattr(builder, "_cast_table"):
        return stream
    if any(required and name not in known for name, required in columns.items()):
        return stream
    # What is not in the first table, or has no value there, is text.
    types = {name: known.get(name, Value("null")) for name in columns}
    features = Features({name: Value("string") if kind == Value("null") else kind for name, kind in types.items()})
    cast = type(builder)._cast_table

    def cast_chosen(table: pa.Table, *more: Any, **named: Any) -> pa.Table:
        chosen = table.select([name for name in columns if name in table.column_names])
        for name in set(columns) - set(table.column_names):
            chosen = chosen.append_column(name, pa.nulls(len(chosen), features.arrow_schema.field(name).type))
        return cast(builder, chosen, *more, **named)

    builder.info.features, builder._cast_table = features, cast_chosen
    return builder.as_streaming_dataset(split=split)


def _is_csv(config: Any) -> bool:
    return hasattr(config, "keep_default_na")


def _check_fields(row: Mapping[str, Any], quoting: int) -> None:
    """Raises ParserError for what pandas reads as something else without a word."""
    from pandas.errors import ParserError

    if _INDEX in row:
        raise ParserError("the first row has more fields than the header")
    if quoting == csv.QUOTE_NONE:
        for column, text in row.items():
            if isinstance(text, str) and _QUOTED.fullmatch(text):
                raise ParserError(f"a text of '{column}' stands in quotation marks, with those within it doubled")
