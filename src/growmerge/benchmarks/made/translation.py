"""Translation: prompts from catalogues joined on the English string, as for parity."""

from collections.abc import Sequence
from itertools import islice

from growmerge.benchmarks.conversion import Conversion
from growmerge.benchmarks.few_shot import with_examples
from growmerge.benchmarks.items import Item
from growmerge.benchmarks.parallel import prompt
from growmerge.catalogue.entry import TRANSLATION
from growmerge.data.documents import Document
from growmerge.hashing import in_hash_order


def items(conversion: Conversion) -> list[Item]:
    """Prompts to translate held-out sentences from the language of their counterparts."""
    documents, originals = conversion.heldout.short(conversion.benchmark.max_words)
    sides = (conversion.heldout.origin, conversion.language)
    return translation_items(documents, originals, sides, conversion.limit, conversion.entry.few_shot)


def translation_items(
    documents: Sequence[Document], originals: Sequence[Document], languages: tuple[str, str], limit: int, few_shot: int
) -> list[Item]:
    """At most ``limit`` prompts to translate an original into the document of the same id, of one line each.

    They are ordered by hashes of their ids (no seed, and nothing changes when a language is added): the first
    ``few_shot`` are the examples before every prompt, the next ones the items. Of documents of the same original the
    first counts. ``languages`` are those of the originals and of the documents.
    """
    sources = {original.id: original.text for original in originals if "\n" not in original.text}
    shared = [document for document in documents if document.id in sources and "\n" not in document.text]
    distinct: dict[str, Document] = {}
    for document in in_hash_order(shared, lambda document: document.id, TRANSLATION):
        distinct.setdefault(sources[document.id], document)
    items = [
        Item(document.id, TRANSLATION, (), document.text, context=prompt(source, languages))
        for source, document in islice(distinct.items(), limit + few_shot)
    ]
    # The examples must not be among the items, whatever there is of either.
    examples, rest = items[:few_shot], items[few_shot:]
    return list(with_examples(rest, examples, few_shot, seed=0))
