"""The languages there is text for, and what benchmarks call them: languages.tsv, whose head names its sources.

One table settles the codes: every list has its own (Estonian is ekk in FineWeb-2 and est in MultiBLiMP). Here a
language has one code and may have synonyms. Plain data, because Snakemake reads it whenever it parses the rules.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

TABLE = Path(__file__).with_suffix(".tsv")
FINEWEB = "HuggingFaceFW/fineweb-2"  # the dataset of the hub whose subsets the table lists
BENCHMARKS = ("flores", "multiblimp", "belebele", "global_piqa")  # columns: what a benchmark calls a language

# Bytes of UTF-8 a character, by script: letters of one, two or three bytes, and signs and spaces of one. Bytes a token
# of Llama 3's tokenizer: Latin and Arabic letters by the corpora of config/config.yaml, whose tokens were published
# (Swedish, Icelandic, Faroese and Estonian; Persian); others by Django's messages (docs/notebook.md, 2026-11-28). Both
# are for plans alone, until the text is tokenized.
_BYTES_A_CHARACTER = {
    **{"Latn": 1.05, "Arab": 1.78, "Cyrl": 1.7, "Grek": 1.7, "Hebr": 1.6, "Armn": 1.7},
    **{"Hang": 1.9, "Hani": 1.9, "Jpan": 2.2},
}
_BYTES_A_TOKEN = {
    **{"Latn": 2.6, "Arab": 5.4, "Cyrl": 3.7, "Grek": 4.6, "Hebr": 2.0, "Armn": 1.2, "Geor": 1.5, "Thai": 5.5},
    **{"Deva": 4.7, "Beng": 2.3, "Knda": 1.6, "Mlym": 1.8, "Hang": 4.1, "Hani": 3.5, "Jpan": 4.3},
}
_CHARACTER, _TOKEN = 2.4, 1.8  # in other scripts, whose letters take three bytes and are rarely whole tokens


@dataclass(frozen=True)
class Known:
    """A language in a script: its text in FineWeb-2, and its configurations in benchmarks.

    `subset` is None if FineWeb-2 has no text of it (English); then there are 0 documents and bytes (of UTF-8).
    """

    code: str
    script: str
    name: str
    family: str
    synonyms: tuple[str, ...]
    subset: str | None
    documents: int
    bytes: int
    benchmarks: Mapping[str, str]
    multiblimp_items: int

    @property
    def characters(self) -> int:
        """Unicode characters of the text, estimated from its bytes."""
        return round(self.bytes / _BYTES_A_CHARACTER.get(self.script, _CHARACTER))

    @property
    def tokens(self) -> int:
        """Tokens of the text in Llama 3's tokenizer, estimated from its bytes."""
        return tokens_of(self.bytes, self.script)


def tokens_of(size: int, script: str = "Latn") -> int:
    """Tokens in so many bytes of UTF-8, estimated for Llama 3's tokenizer."""
    return round(size / _BYTES_A_TOKEN.get(script, _TOKEN))


@cache
def languages() -> Mapping[str, tuple[Known, ...]]:
    """Code -> the language in each of its scripts, that with most text first."""
    found: dict[str, list[Known]] = {}
    with TABLE.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader((line for line in file if not line.startswith("#")), delimiter="\t"):
            found.setdefault(row["code"], []).append(_read(row))
    return {code: tuple(sorted(rows, key=lambda known: -known.bytes)) for code, rows in found.items()}


def _read(row: Mapping[str, str]) -> Known:
    return Known(
        row["code"],
        row["script"],
        row["name"],
        row["family"],
        tuple(row["synonyms"].split()),
        row["subset"] or None,
        int(row["documents"] or 0),
        int(row["bytes"] or 0),
        # Several configurations are varieties of a language, such as Global PIQA's of French: the first one counts.
        {name: row[name].split()[0] for name in BENCHMARKS if row[name]},
        int(row["multiblimp_items"] or 0),
    )


@cache
def _settled() -> Mapping[str, str]:
    """Synonym -> code."""
    return {synonym: code for code, rows in languages().items() for known in rows for synonym in known.synonyms}


def settle(code: str) -> str | None:
    """The catalogue's code for any code of a language, of two or three letters; None if it is not known."""
    return code if code in languages() else _settled().get(code)


def same_language(codes: Iterable[str]) -> tuple[str, str] | None:
    """The first two codes that name the same language, if there are such."""
    first: dict[str, str] = {}
    for code in codes:
        key = settle(code) or code
        if key in first:
            return first[key], code
        first[key] = code
    return None


def configurations(benchmark: str) -> dict[str, str]:
    """Code -> what a benchmark (a name of `BENCHMARKS`) calls the language, in its script of most text that has one."""
    found: dict[str, str] = {}
    for code, rows in languages().items():
        for known in rows:
            if benchmark in known.benchmarks:
                found.setdefault(code, known.benchmarks[benchmark])
    return found
