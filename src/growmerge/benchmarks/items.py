"""Evaluation items: candidate texts of which a model should give the first the highest probability, or a prompt."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from growmerge.errors import GrowmergeError

ITEMS = "items.parquet"  # of a benchmark: its items; of a model: their scores
TRANSLATIONS = "translations.parquet"  # what a model wrote

SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("subset", pa.string()),
        ("candidates", pa.list_(pa.string())),
        ("reference", pa.string()),
        ("context", pa.string()),
    ]
)


@dataclass(frozen=True)
class Item:
    """One item: ``candidates[0]`` is the right or acceptable text, the others are wrong.

    Candidates continue ``context`` (few-shot examples and a question, say) just as they stand: what separates them from
    it is their own first character. Whole sentences have none.

    For information parity there is one candidate, the sentence, and ``reference`` is the same sentence in English. For
    generation there is none: ``context`` is the prompt, and ``reference`` what should come out.

    ``subset`` names the phenomenon, for tables by subset.
    """

    id: str
    subset: str
    candidates: tuple[str, ...]
    reference: str | None = None
    context: str = ""


def with_leading_space(item: Item) -> Item:
    """The item with a space before each candidate, where nothing stands before them."""
    return item if item.context else replace(item, candidates=tuple(f" {text}" for text in item.candidates))


def write_items(items: Iterable[Item], path: Path) -> None:
    """Write items to a Parquet file, in the order given, with the columns of :data:`SCHEMA`.

    Raises GrowmergeError as :func:`read_items` does, so that no unreadable file is written.
    """
    rows = list(items)
    _check(rows, path)
    columns = {
        "id": [item.id for item in rows],
        "subset": [item.subset for item in rows],
        "candidates": [list(item.candidates) for item in rows],
        "reference": [item.reference for item in rows],
        "context": [item.context for item in rows],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns, schema=SCHEMA), path, compression="zstd")


def read_items(path: Path) -> list[Item]:
    """Read a file of items; users may write such files themselves.

    Raises GrowmergeError where the file cannot be read, a column is missing or of another type, there are no items, two
    items share an id, an item has no candidates or the same one twice, or a text is empty.
    """
    try:
        table = pq.read_table(path)
    except (OSError, pa.ArrowInvalid) as error:
        raise GrowmergeError(f"{path}: cannot be read as Parquet ({error})") from error
    missing = [name for name in SCHEMA.names if name not in table.column_names]
    if missing:
        raise GrowmergeError(
            f"{path}: no column {missing[0]!r}; it has {', '.join(table.column_names)}: remove it to build it again, "
            "or add the column"
        )
    try:
        table = table.select(SCHEMA.names).cast(SCHEMA)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise GrowmergeError(f"{path}: a column has the wrong type ({error}); wanted {SCHEMA}") from error
    items = [
        Item(row["id"], row["subset"], tuple(row["candidates"] or ()), row["reference"], row["context"] or "")
        for row in table.to_pylist()
    ]
    _check(items, path)
    return items


def _check(items: list[Item], path: Path) -> None:
    if not items:
        raise GrowmergeError(f"{path}: there are no items; see that the held-out share and the sources give some")
    id_, count = Counter(item.id for item in items).most_common(1)[0]
    if count > 1:
        raise GrowmergeError(f"{path}: {count} items have the id {id_!r}; ids must be unique")
    for item in items:
        if not item.candidates and not (item.context.strip() and item.reference):
            raise GrowmergeError(f"{path}: item {item.id!r} has no candidates, and no prompt with a reference either")
        if not all(text and text.strip() for text in item.candidates) or item.reference == "":
            raise GrowmergeError(f"{path}: item {item.id!r} has an empty text")
        if len(set(item.candidates)) < len(item.candidates):
            raise GrowmergeError(f"{path}: item {item.id!r} has the same candidate twice")
