"""Records on their way to items, and an account of what became of each."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from growmerge.evaluation.items import Item

logger = logging.getLogger(__name__)
_NAMED = 3  # records of each reason that the log names


class Drop(Exception):
    """A record that makes no item; the reason is counted."""


@dataclass(frozen=True)
class Record:
    """A row of a dataset: `values` by the names that converters use; the id is its place, `config/split:row`."""

    id: str
    values: Mapping[str, Any]
    subset: str = ""

    def text(self, name: str) -> str:
        """A text, without space around it. Raises Drop if it is empty or no text."""
        value = self.values[name]
        if not isinstance(value, str) or not value.strip():
            raise Drop("empty text")
        return value.strip()

    def optional(self, name: str) -> str:
        """A value as text, empty where there is none."""
        value = self.values.get(name)
        return "" if value is None else str(value).strip()

    def texts(self, name: str) -> list[str]:
        """A list of at least two texts. Raises Drop if it is none, or if one of them is empty."""
        values = self.values[name]
        if not isinstance(values, list) or len(values) < 2:
            raise Drop("no answers to choose from")
        if not all(isinstance(value, str) and value.strip() for value in values):
            raise Drop("empty text")
        return [value.strip() for value in values]

    def index(self, name: str, count: int, first: int = 0) -> int:
        """A label from `first`, as an index from 0. Raises Drop if it is none of `count`."""
        try:
            index = int(self.values[name]) - first
        except (TypeError, ValueError):
            raise Drop("no label") from None
        if not 0 <= index < count:
            raise Drop("label out of range")
        return index


@dataclass
class Tally:
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
