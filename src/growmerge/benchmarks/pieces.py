"""Long documents in pieces that a model can read at once.

A piece is a text of its own: the model sees nothing of the piece before it, so a document in several pieces has
somewhat more bits than one that is read as a whole. The pieces are the same for every model and tokenizer.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_MARK = "#"  # between the id of a document and the number of the piece
_WORD = re.compile(r"\s*\S+(?:\s+\Z)?")


def pieces(text: str, most: int) -> list[str]:
    """`text` in pieces of at most `most` bytes of UTF-8, which together are the text, to the character.

    Pieces end before white space; only a word that is longer by itself is cut. A text without words has no piece.
    """
    found: list[str] = []
    size = 0
    for word in (part for whole in _WORD.findall(text) for part in _cut(whole, most)):
        length = len(word.encode())
        if found and size + length <= most:
            found[-1] += word
            size += length
        else:
            found.append(word)
            size = length
    return found


def piece_id(document: str, number: int) -> str:
    """The id of the piece of that number, from 0, of a document."""
    return f"{document}{_MARK}{number}"


def document_of(piece: str) -> str:
    """The id of the document, from the id of one of its pieces."""
    return piece.rpartition(_MARK)[0]


def _cut(word: str, most: int) -> Iterator[str]:
    """A word in parts of at most `most` bytes; a part has a character at least, and is never only white space."""
    part, size = "", 0
    for character in word:
        length = len(character.encode())
        if part.strip() and character.strip() and size + length > most:
            yield part
            part, size = "", 0
        part += character
        size += length
    yield part
