"""Documents: a text with an id, how texts are cleaned, and the file they are kept in."""

import hashlib
import html
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pyarrow as pa
import pyarrow.parquet as pq

from growmerge.errors import GrowmergeError

SCHEMA = pa.schema([("id", pa.string()), ("text", pa.string())])

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


@dataclass(frozen=True)
class Document:
    """A text and its id; texts of several languages made from the same English string share the id."""

    id: str
    text: str


def fold(text: str) -> str:
    """The text without case, punctuation, accelerators and surplus space: what near-identical texts have in common."""
    kept = (c if unicodedata.category(c)[0] in "LMN" else " " if c.isspace() else "" for c in text.casefold())
    return " ".join("".join(kept).split())


def source_id(english: str) -> str:
    """Id (16 hex digits) of everything translated from this English string, whichever package carries it."""
    return hashlib.sha256(fold(english).encode()).hexdigest()[:16]


def clean(
    documents: Iterable[Document],
    min_words: int,
    kind: Literal["strings", "text"] = "strings",
    placeholder: str | None = None,
) -> tuple[list[Document], dict[str, int]]:
    """Keep what is usable, in the order it came, and account for the rest.

    ``kind="strings"`` is for the strings of programs: white space is made single; tags and keyboard accelerators are
    taken out; each placeholder (``%s``, ``{name}``) is replaced by ``placeholder``, and where that is None the string
    is dropped; so is a string with other markup, or with an accelerator that cannot be told from an identifier. Texts
    that differ only in case and punctuation count as duplicates. ``kind="text"`` is for prose and source code, which
    stay as they are. Of documents with one id the first is kept, then of documents with one text the one with the
    smallest id, so that no text can stand both in training and in evaluation.

    Returns the documents and the counts ``read``, ``kept``, ``markup`` (placeholders too), ``short`` (fewer words
    with a letter than ``min_words``), ``duplicate_id`` and ``duplicate_text``; ``read`` is the sum of the others.
    """
    strings = kind == "strings"
    counts = dict.fromkeys(("read", "kept", "markup", "short", "duplicate_id", "duplicate_text"), 0)
    by_id: dict[str, Document] = {}
    for document in documents:
        counts["read"] += 1
        text = _plain_string(document.text, placeholder) if strings else document.text
        if text is None:
            counts["markup"] += 1
        elif _words(text) < min_words:
            counts["short"] += 1
        elif document.id in by_id:
            counts["duplicate_id"] += 1
        else:
            by_id[document.id] = Document(document.id, text)

    smallest: dict[str, str] = {}  # text as compared -> smallest id that carries it
    keys = {id_: fold(document.text) if strings else document.text for id_, document in by_id.items()}
    for id_, key in keys.items():
        smallest[key] = min(id_, smallest.get(key, id_))
    kept = [document for id_, document in by_id.items() if smallest[keys[id_]] == id_]
    counts["kept"] = len(kept)
    counts["duplicate_text"] = len(by_id) - len(kept)
    return kept, counts


def write_documents(documents: Iterable[Document], path: Path) -> None:
    """Write documents to a Parquet file (columns ``id``, ``text``) in the order given."""
    rows = list(documents)
    table = pa.table({"id": [d.id for d in rows], "text": [d.text for d in rows]}, schema=SCHEMA)
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path, compression="zstd")


def read_documents(path: Path) -> list[Document]:
    """Read what :func:`write_documents` wrote.

    Raises GrowmergeError where the file is missing, damaged, or lacks a column.
    """
    try:
        table = pq.read_table(path)
    except (OSError, pa.ArrowInvalid) as error:
        raise GrowmergeError(f"{path}: cannot be read as Parquet ({error}); remove it and run again") from error
    missing = [name for name in SCHEMA.names if name not in table.column_names]
    if missing:
        raise GrowmergeError(f"{path}: no column {missing[0]!r}; it has {', '.join(table.column_names)}")
    ids, texts = (table.column(name).to_pylist() for name in SCHEMA.names)
    return [Document(id_, text) for id_, text in zip(ids, texts, strict=True)]


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


def _words(text: str) -> int:
    return sum(any(c.isalpha() for c in word) for word in text.split())
