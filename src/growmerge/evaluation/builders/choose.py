"""Choosing by hash: stable under additions, unlike drawing from a generator."""

from collections.abc import Callable, Iterable
from typing import TypeVar

from growmerge.data.heldout import unit_hash

T = TypeVar("T")


def in_hash_order(values: Iterable[T], name: Callable[[T], str], salt: str) -> list[T]:
    """The values in an order that looks random, depends on each one's name alone, and keeps when others come or go."""
    return sorted(values, key=lambda value: (unit_hash(name(value), salt), name(value)))
