"""Records on their way to items, and an account of what became of each."""

from __future__ import annotations

import logging
import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from growmerge.benchmarks.items import Item

logger = logging.getLogger(__name__)
_NAMED = 3  # records of each reason that the log names


class Drop(Exception):
    """A record that makes no item; the reason is counted."""


def whole(value: Any) -> Any:
    """A whole float as an integer, NaN as None, the rest as it is: a column of integers with a hole holds floats."""
    if not isinstance(value, float):
        return value
    return None if math.isnan(value) else int(value) if value.is_integer() else value


@dataclass(frozen=True)
class Record:
    """A row of a dataset: `values` by the names that converters use; the id is its place, `config/split:row`."""

    id: str
    values: Mapping[str, Any]
    subset: str = ""

    def text(self, name: str) -> str:
        """A text, without space around it. Raises Drop if it is empty or no text."""
        return _text(self.values[name])

    def optional(self, name: str) -> str:
        """A value as text, empty where there is none."""
        value = self.values.get(name)
        return "" if value is None else str(value).strip()

    def texts(self, name: str) -> list[str]:
        """A list of at least two texts. Raises Drop if it is none, or if one of them is empty or no text."""
        values = self.values[name]
        if not isinstance(values, list) or len(values) < 2:
            raise Drop("no answers to choose from")
        return [_text(value) for value in values]

    def index(self, name: str, count: int, first: int = 0) -> int:
        """A label from `first` (an integer, or as text) as an index from 0. Raises Drop if it is none of `count`."""
        value = self.values[name]
        if isinstance(value, bool) or not isinstance(value, int | str):
            raise Drop("no label")
        try:
            index = int(value) - first
        except ValueError:
            raise Drop("no label") from None
        if not 0 <= index < count:
            raise Drop("label out of range")
        return index


def _text(value: Any) -> str:
    if not isinstance(value, str | None):
        raise Drop("no text")
    if value is None or not value.strip():
        raise Drop("empty text")
    return value.strip()


@dataclass
class RecordCounts:
    """How many records were read, and why some became no item; what is over became one."""

    read: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)

    def drop(self, reason: str, record: str, count: int = 1) -> None:
        """Count what is dropped; the log names the first few."""
        self.outcomes[reason] += count
        if self.outcomes[reason] <= _NAMED:
            logger.info("dropped %s: %s", record, reason)

    def each(self, records: Iterable[Record], convert: Callable[[Record], Item]) -> Iterator[Item]:
        """The items of records that become an item each, or raise Drop."""
        for record in records:
            self.read += 1
            try:
                yield convert(record)
            except Drop as drop:
                self.drop(str(drop), record.id)


def first_is_right(choices: list[str], right: int) -> tuple[str, ...]:
    """The choices with the right one first, the others in their order. Raises Drop if the right one is there twice."""
    if choices.count(choices[right]) > 1:
        raise Drop("right equals wrong")
    return tuple(dict.fromkeys([choices[right], *choices]))
