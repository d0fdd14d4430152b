"""Translation: prompts from catalogues joined on the English string, as for parity."""

from collections.abc import Sequence

from growmerge.data.documents import Document
from growmerge.evaluation.benchmarks.converters.parallel import TRANSLATION, prompt
from growmerge.evaluation.benchmarks.few_shot import with_examples
from growmerge.evaluation.builders.choose import in_hash_order
from growmerge.evaluation.items import Item


def translation_items(
    documents: Sequence[Document], originals: Sequence[Document], languages: tuple[str, str], limit: int, few_shot: int
) -> list[Item]:
    """At most ``limit`` prompts to translate an original into the document of the same id, of one line each.

    They are those with the smallest hashes of their ids: no seed, and nothing changes when a language is added. Those
    with the next smallest ones are the ``few_shot`` examples before every prompt. ``languages`` are those of the
    originals and of the documents.
    """
    sources = {original.id: original.text for original in originals if "\n" not in original.text}
    shared = [document for document in documents if document.id in sources and "\n" not in document.text]
    chosen = in_hash_order(shared, lambda document: document.id, TRANSLATION)[: limit + few_shot]
    items = [
        Item(document.id, TRANSLATION, (), document.text, context=prompt(sources[document.id], languages))
        for document in chosen
    ]
    # The examples must not be among the items, whatever there is of either.
    examples, rest = items[:few_shot], items[few_shot:]
    return list(with_examples(rest, examples, few_shot, seed=0))
