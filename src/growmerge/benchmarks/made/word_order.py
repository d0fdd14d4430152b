"""Acceptability for any language: a sentence against itself with two neighbouring words exchanged.

Languages with free word order (Persian, Estonian) leave some corrupted sentences acceptable: the ceiling is below 1.
"""

from collections.abc import Sequence

from growmerge.benchmarks.items import Item
from growmerge.data.documents import Document
from growmerge.hashing import in_hash_order

_WORDS = range(5, 21)


def word_order_pairs(documents: Sequence[Document], limit: int, seed: int) -> list[Item]:
    """At most ``limit`` pairs from (held-out) documents of 5 to 20 words, one a document; the id is the document's.

    Exchanged are two different words, neither the first nor the last of the sentence nor beside punctuation or digits,
    near the middle where the document gives a choice.
    """
    items: list[Item] = []
    for document in in_hash_order(documents, lambda document: document.id, f"word_order:{seed}"):
        if len(items) == limit:
            break
        words = document.text.split()
        if len(words) not in _WORDS:
            continue
        places = [i for i in range(1, len(words) - 2) if _can_swap(words[i], words[i + 1])]
        if not places:
            continue
        place = min(places, key=lambda i: abs(2 * i + 2 - len(words)))
        swapped = [*words[:place], words[place + 1], words[place], *words[place + 2 :]]
        items.append(Item(document.id, "word_order", (document.text, " ".join(swapped))))
    return items


def _can_swap(left: str, right: str) -> bool:
    # Persian writes the zero-width non-joiner within words.
    return left.casefold() != right.casefold() and all(w.replace("\u200c", "").isalpha() for w in (left, right))
