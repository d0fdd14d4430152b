"""Choices by hashes of names instead of random draws: they do not change if other names are added or removed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from typing import TypeVar

T = TypeVar("T")


def unit_hash(identifier: str, salt: str) -> float:
    """A number in [0, 1) that depends on nothing but the two strings, uniform over identifiers."""
    digest = hashlib.sha256(f"{salt}\0{identifier}".encode()).digest()
    return (int.from_bytes(digest[:8], "big") >> 11) / 2**53  # 53 bits: all that a float holds, so never 1.0


def hash64(text: str) -> int:
    """A 64-bit digest (BLAKE2b): n of them hold two that are equal by chance with probability n^2 / 2^65."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")


def in_hash_order(values: Iterable[T], name: Callable[[T], str], salt: str) -> list[T]:
    """The values in a pseudo-random order, which depends on their names alone and stays when values come or go."""
    return sorted(values, key=lambda value: (unit_hash(name(value), salt), name(value)))


def is_heldout(identifier: str, share: float) -> bool:
    """Whether the document with this id is evaluation text, when `share` of all ids are.

    It is decided before anything is trained. Documents of all languages made from the same English string share an id,
    so the same strings are held out in every language, and adding a language moves no document.
    """
    return unit_hash(identifier, "heldout") < share
