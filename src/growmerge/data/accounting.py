"""How much text there is: what is read is compared with what becomes of it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Tally:
    """Documents, their bytes of UTF-8, and their Unicode characters."""

    documents: int = 0
    bytes: int = 0
    characters: int = 0

    def add(self, text: str) -> None:
        """Count one document."""
        self.documents += 1
        self.bytes += len(text.encode())
        self.characters += len(text)
