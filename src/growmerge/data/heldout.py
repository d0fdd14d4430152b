"""Which documents are kept for evaluation: decided by their id alone, before anything is trained.

Documents of all languages made from the same English string share an id, so the same strings are held out in every
language, and adding a language moves no document.
"""

import hashlib


def unit_hash(identifier: str, salt: str) -> float:
    """A number in [0, 1) that depends on nothing but the two strings, uniform over identifiers."""
    digest = hashlib.sha256(f"{salt}\0{identifier}".encode()).digest()
    return (int.from_bytes(digest[:8], "big") >> 11) / 2**53  # 53 bits: all that a float holds, so never 1.0


def is_heldout(identifier: str, share: float) -> bool:
    """Whether the document with this id is evaluation text, when ``share`` of all ids are."""
    return unit_hash(identifier, "heldout") < share
