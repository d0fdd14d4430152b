"""What is usable of the documents of a source: one pass in the order they come, which holds digests, not texts."""

import html
import re
import unicodedata
from itertools import islice
from typing import Literal

from growmerge.data.documents import Document, fold
from growmerge.data.words import count_words
from growmerge.errors import GrowmergeError
from growmerge.hashing import hash64

# Tags are taken out, their content is running text. Those of blocks end a word, the others do not.
_BLOCK_TAG = re.compile(r"</?(?:br|p|li|ul|ol|dl|dt|dd|div|h\d|hr|table|tr|td|th)\b[^<>]*>", re.IGNORECASE)
_INLINE_TAG = re.compile(
    r"</?(?:a|abbr|b|big|code|em|font|i|kbd|label|pre|q|s|small|span|strong|sub|sup|tt|u)\b[^<>]*>", re.IGNORECASE
)
_ENTITY = re.compile(r"&(?:#\w+|[A-Za-z]+);")
# What the program fills in.
_PLACEHOLDER = re.compile(
    r"""
      %(?:\(\w+\)|\d+\$)?[-+\#0]*\d*(?:\.\d+)?[A-Za-z%]  # %s, %(name)d, %1$s, %%
    | %\d\b(?!\s*%)                                      # %1, as Qt writes it
    | \$?\{\{?[^{}]*\}?\}                                # {name}, ${name}, {{name}}
    | \$[A-Za-z_]\w*                                     # $name
    """,
    re.VERBOSE,
)
# What cannot be taken out without guessing: such a string is dropped.
_MARKUP = re.compile(
    r"""
      <[A-Za-z/!][^<>]*>        # any other tag, and <name> in the usage of a command
    | [{}\\]|``|\*\*            # templates, escapes, reStructuredText, Markdown
    | \[[^\]]*\]\([^)]*\)       # [text](address)
    | \w+://|\bwww\.           # addresses
    """,
    re.VERBOSE,
)
# Invisible characters that only steer the layout. Not the zero-width (non-)joiners: Persian spells with them.
_INVISIBLE = re.compile("[\u00ad\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
# Where scripts without upper case put the accelerator: "باز کردن (_O)".
_TRAILING_ACCELERATOR = re.compile(r"\s*\([_&]\w\)")
_LEADING_ACCELERATOR = re.compile(r"(?<![\w_&])[_&](?=[^\W\d_])")
_INNER_ACCELERATOR = re.compile(r"\w[_&]\w|__")

Outcome = Literal["kept", "markup", "short", "duplicate_id", "duplicate_text"]


class Cleaner:
    """Says of one document after another whether it is kept, and as which text.

    ``kind="strings"`` is for the strings of programs: white space is made single; tags and keyboard accelerators are
    taken out; each placeholder (``%s``, ``{name}``) is replaced by ``placeholder``, and where that is None the string
    is dropped; so is a string with other markup, or with an accelerator that cannot be told from an identifier. Texts
    that differ only in case and punctuation count as duplicates. ``kind="text"`` is for prose and source code, which
    stay as they are.

    Of documents with one id the first is kept, then of documents with one text, so that no text can stand both in
    training and in evaluation. Ids and texts are remembered as 64-bit digests: among the 3 million documents of a large
    shard, the probability that a single one is dropped for a digest that is equal by chance is below 10^-6.
    """

    def __init__(
        self, min_words: int, kind: Literal["strings", "text"] = "strings", placeholder: str | None = None
    ) -> None:
        self._min_words = min_words
        self._strings = kind == "strings"
        self._placeholder = placeholder
        self.other_texts = 0  # documents dropped for an id that a document of another text has in the same source
        self._source, self._shared_ids = "sources", False
        self._ids: set[int] = set()  # of this source
        self._earlier: set[int] = set()  # of the sources before it
        self._texts: set[int] = set()

    def clean(self, document: Document) -> tuple[Outcome, Document]:
        """("kept", the document as it is kept), or why it is dropped, and the document.

        Reasons: ``markup`` (placeholders too), ``short`` (fewer words with a letter than ``min_words``, see
        :func:`growmerge.data.words.count_words`; null and empty texts, too), ``duplicate_id``, ``duplicate_text``.

        Raises GrowmergeError for an id that a document of another text has in an earlier source (:meth:`begin`).
        """
        text = _plain_string(document.text, self._placeholder) if self._strings else document.text
        if text is None:
            return "markup", document
        if not _has_words(text, self._min_words):
            return "short", document
        identifier = hash64(document.id)
        # As Unicode composes it: one text in two encodings is one text.
        content = hash64(fold(text) if self._strings else unicodedata.normalize("NFC", text))
        repeated, known = identifier in self._ids or identifier in self._earlier, content in self._texts
        if identifier in self._earlier and not known and not self._shared_ids:
            raise GrowmergeError(
                f"{self._source}: id {document.id!r} is the id of another text in an earlier source of the corpus; ids "
                "must be unique in a corpus: give one of the sources an `id_prefix`, or another `id_field`"
            )
        self._ids.add(identifier)
        if repeated:
            self.other_texts += not known and not self._shared_ids
            return "duplicate_id", document
        self._texts.add(content)
        if known:
            return "duplicate_text", document
        return "kept", Document(document.id, text)

    def begin(self, source: str, shared_ids: bool = False) -> None:
        """From here on, documents are those of another source; `source` names it in messages.

        With `shared_ids`, the source has the same id for the same thing as other sources have (the English string that
        is translated), and of these documents, too, the first is kept.
        """
        self._source, self._shared_ids = source, shared_ids
        self._earlier |= self._ids
        self._ids = set()


def _plain_string(text: str, placeholder: str | None) -> str | None:
    """The string as a reader sees it, or None where that cannot be known."""
    text = _INLINE_TAG.sub("", _BLOCK_TAG.sub(" ", text))
    if _PLACEHOLDER.search(text):
        if placeholder is None:
            return None
        text = _PLACEHOLDER.sub(placeholder, text)
    text = _ENTITY.sub(lambda match: html.unescape(match[0]), text)
    text = " ".join(_INVISIBLE.sub("", unicodedata.normalize("NFC", text)).split())
    if _MARKUP.search(text):
        return None
    text = _TRAILING_ACCELERATOR.sub("", text)
    # One mark at the start of a word is an accelerator ("Save _As"); more of them, or one inside a word, may as well be
    # part of a name (file_name, __init__, R&D).
    marks = _LEADING_ACCELERATOR.findall(text)
    if len(marks) > 1 or _INNER_ACCELERATOR.search(text):
        return None
    return _LEADING_ACCELERATOR.sub("", text)


def _has_words(text: str, wanted: int) -> bool:
    # Most documents have many words between spaces, so the first few decide; other scripts are counted to the end.
    words = (word for word in text.split() if any(c.isalpha() for c in word))
    return len(list(islice(words, wanted))) == wanted or count_words(text) >= wanted
