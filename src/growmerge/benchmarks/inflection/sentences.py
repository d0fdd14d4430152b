"""Running text cut into sentences, by punctuation alone."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from growmerge.benchmarks.inflection.conllu import Tagged
from growmerge.data.documents import Document

# Punctuation that can end a sentence, the space after it, and the first letter or digit of what follows.
_END = re.compile(r"[.!?…؟۔][\"»«”’')\]]*(?P<space>\s+)(?=[\"«»„“‘'(\[]*(?P<next>\w))")


def sentences(documents: Iterable[Document]) -> Iterator[Document]:
    """The sentences of documents, with the ids `document:number` from 1; a line break ends a sentence, too.

    Those of a treebank are sentences already.

    A sentence begins with anything but a small letter. One that is cut in two after an abbreviation does no harm: both
    halves are still text in which a wrong form is wrong.
    """
    for document in documents:
        if isinstance(document, Tagged):
            yield document
            continue
        parts = (part for line in document.text.splitlines() for part in _cut(line))
        for number, part in enumerate((" ".join(part.split()) for part in parts if part.strip()), start=1):
            yield Document(f"{document.id}:{number}", part)


def _cut(line: str) -> Iterator[str]:
    start = 0
    for match in _END.finditer(line):
        if not match["next"].islower():
            yield line[start : match.start("space")]
            start = match.end("space")
    yield line[start:]
