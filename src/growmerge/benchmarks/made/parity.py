"""Information parity: sentences with their English counterparts, from catalogues joined on the English string."""

from collections.abc import Sequence

from growmerge.benchmarks.conversion import Conversion
from growmerge.benchmarks.items import Item
from growmerge.data.documents import Document
from growmerge.hashing import in_hash_order


def items(conversion: Conversion) -> list[Item]:
    """Held-out sentences with their English counterparts."""
    documents, english = conversion.heldout.short(conversion.benchmark.max_words)
    return parity_items(documents, english, conversion.limit)


def parity_items(documents: Sequence[Document], english: Sequence[Document], limit: int) -> list[Item]:
    """At most ``limit`` (held-out) documents that have an English one with the same id; that one is the reference.

    They are those with the smallest hashes of their ids: no seed, and nothing changes when a language is added.
    """
    references = {document.id: document.text for document in english}
    shared = [document for document in documents if document.id in references]
    chosen = in_hash_order(shared, lambda document: document.id, "parity")[:limit]
    return [Item(document.id, "parity", (document.text,), references[document.id]) for document in chosen]
