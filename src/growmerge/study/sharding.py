"""The shard of a corpus that a job works on: files are dealt out whole, other documents by a hash of their id."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from growmerge.errors import GrowmergeError
from growmerge.hashing import unit_hash

T = TypeVar("T")


@dataclass(frozen=True)
class Shard:
    """Piece `index` (from 0) of `count`; written as "1-of-8" (from 1), as in its path."""

    index: int = 0
    count: int = 1

    @classmethod
    def each(cls, count: int) -> list[Shard]:
        """All pieces of `count`, in order."""
        return [cls(index, count) for index in range(count)]

    @classmethod
    def parse(cls, name: str) -> Shard:
        """The shard of that name. Raises GrowmergeError for one that there cannot be, such as "9-of-8"."""
        number, count = map(int, name.split("-of-"))
        if not 1 <= number <= count:
            raise GrowmergeError(f"shard {name}: there is no such shard; they are 1-of-{count} to {count}-of-{count}")
        return cls(number - 1, count)

    def __str__(self) -> str:
        return f"{self.index + 1}-of-{self.count}"

    def holds(self, identifier: str) -> bool:
        """Whether the document with this id belongs here, where documents are not in files that could be dealt out."""
        return int(unit_hash(identifier, "shard") * self.count) == self.index

    def deal(self, files: Sequence[T], corpus: str, source: str) -> Sequence[T]:
        """The files that this shard of `corpus` reads: a contiguous run, so that neighbours stay neighbours.

        Raises GrowmergeError, naming `source`, if there are fewer files than shards.
        """
        if len(files) < self.count:
            raise GrowmergeError(
                f"corpora.{corpus}.shards = {self.count}: {source} has {len(files)} files, and every shard reads whole "
                f"files; set it to at most {len(files)}"
            )
        return files[self.index * len(files) // self.count : (self.index + 1) * len(files) // self.count]
