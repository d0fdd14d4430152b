"""Sentences of treebanks in CoNLL-U, with the part of speech, the features and the place in the tree of each word."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from growmerge.benchmarks.lines import read_lines
from growmerge.data.documents import Document
from growmerge.errors import GrowmergeError

_COLUMNS = 10


@dataclass(frozen=True)
class Token:
    """A word as a treebank annotates it; `span` is its place in the text, `head` the number of its head, 0 the root.

    `relation` is without the subtype: nsubj:pass is nsubj.
    """

    number: int
    span: tuple[int, int]
    upos: str
    features: Mapping[str, str]
    head: int
    relation: str


@dataclass(frozen=True)
class Tagged(Document):
    """A sentence with its annotated words. Words that the text writes as one (2-3) have no tokens of their own."""

    tokens: Sequence[Token] = field(default=(), compare=False)

    @cached_property
    def by_span(self) -> Mapping[tuple[int, int], Token]:
        """The tokens by their places in the text."""
        return {token.span: token for token in self.tokens if token.span != (0, 0)}

    def head(self, token: Token) -> Token | None:
        """The token that another depends on; None for the root."""
        return next((other for other in self.tokens if other.number == token.head), None)

    def dependants(self, token: Token, *relations: str) -> list[Token]:
        """The tokens that depend on another by one of these relations."""
        return [other for other in self.tokens if other.head == token.number and other.relation in relations]


def read_conllu(paths: Iterable[Path]) -> Iterator[Tagged]:
    """The sentences of files, with the ids `file name:sent_id`, or `file name:number` from 1 where there is no sent_id.

    Raises GrowmergeError naming file and line where a file cannot be read or is not CoNLL-U, and for one without
    sentences.
    """
    for path in paths:
        count = 0
        for start, block in _blocks(read_lines(path)):
            count += 1
            yield _sentence(path, start, block, count)
        if not count:
            raise GrowmergeError(f"{path}: has no sentences")


def _blocks(lines: Sequence[str]) -> Iterator[tuple[int, list[str]]]:
    """(number of the first line, from 1; lines) of each sentence that has words."""
    block: list[str] = []
    for number, line in enumerate([*lines, ""], start=1):
        if line.strip():
            block.append(line.rstrip("\r"))
            continue
        if any(not each.startswith("#") for each in block):
            yield number - len(block), block
        block = []


def _sentence(path: Path, start: int, block: Sequence[str], number: int) -> Tagged:
    comments = dict(line[1:].split("=", 1) for line in block if line.startswith("#") and "=" in line)
    comments = {key.strip(): value.strip() for key, value in comments.items()}
    rows: list[list[str]] = []
    for place, line in enumerate(block, start=start):
        if line.startswith("#"):
            continue
        columns = line.split("\t")
        if len(columns) != _COLUMNS or not (columns[6].isdecimal() or columns[6] == "_"):
            raise GrowmergeError(
                f"{path}: line {place}: not CoNLL-U: ten columns with tabs between, the seventh a number"
            )
        rows.append(columns)
    text, spans = _placed(rows, comments.get("text"))
    tokens = tuple(
        Token(int(row[0]), spans.get(row[0], (0, 0)), row[3], _features(row[5]), int(row[6]), row[7].partition(":")[0])
        for row in rows
        if row[0].isdecimal() and row[6].isdecimal()
    )
    return Tagged(f"{path.name}:{comments.get('sent_id', number)}", text, tokens)


def _placed(rows: Sequence[Sequence[str]], text: str | None) -> tuple[str, dict[str, tuple[int, int]]]:
    """The text, joined from the words where it is not given or is another, and the places of words by their numbers."""
    surface: list[tuple[str, str, str]] = []  # number, form, what follows
    covered = 0  # the last word that a range (2-3) has written
    for number, form, *_, more in rows:
        if (number.isdecimal() and int(number) <= covered) or "." in number:
            continue
        covered = int(number.partition("-")[2] or covered)
        surface.append((number, form, "" if "SpaceAfter=No" in more.split("|") else " "))
    joined, spans = "", dict[str, tuple[int, int]]()
    for number, form, after in surface:
        start = len(joined) if text is None else text.find(form, len(joined))
        if text is not None and (start < 0 or text[len(joined) : start].strip()):
            return _placed(rows, None)
        joined = (joined if text is None else text[:start]) + form
        if number.isdecimal():
            spans[number] = (start, len(joined))
        joined += after if text is None else ""
    return (joined.rstrip() if text is None else text), spans


def _features(column: str) -> dict[str, str]:
    return dict(feature.split("=", 1) for feature in column.split("|") if "=" in feature)
