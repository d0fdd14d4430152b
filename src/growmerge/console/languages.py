"""`growmerge languages`: what text and which benchmarks the catalogue has of a language."""

from __future__ import annotations

from collections.abc import Sequence

from growmerge.catalogue.benchmarks import REGISTRY
from growmerge.catalogue.languages import Known, languages, settle
from growmerge.config.problems import did_you_mean
from growmerge.errors import GrowmergeError


def every_language() -> list[str]:
    """A line for each language and script: code, script, name, documents, and how many public benchmarks have it."""
    return [
        f"{code}  {known.script}  {known.documents:>11,} documents  {len(_benchmarks(code))} benchmarks  {known.name}"
        for code, rows in languages().items()
        for known in rows
    ]


def language_lines(codes: Sequence[str]) -> list[str]:
    """Some lines for each language. Raises GrowmergeError for a code that the catalogue does not know."""
    lines: list[str] = []
    for code in codes:
        settled = settle(code)
        if settled is None:
            names = {known.name: found for found, rows in languages().items() for known in rows}
            hint = f"write {names[code]}" if code in names else did_you_mean(code, names)
            raise GrowmergeError(f"{code}: no such code of ISO 639-3 in the catalogue; {hint}")
        lines += [*_one(settled, code), ""]
    return lines[:-1]


def _one(code: str, asked: str) -> list[str]:
    rows = languages()[code]
    also = f"; other lists call it {', '.join(rows[0].synonyms)}" if rows[0].synonyms else ""
    lines = [f"{code}: {rows[0].name} ({rows[0].family}){also}"]
    if asked != code:
        lines.append(f"  {asked} is written {code} here")
    lines += [f"  {_text(known, several=len(rows) > 1)}" for known in rows]
    return [
        *lines,
        f"  benchmarks: {', '.join(_benchmarks(code)) or 'none that is public'}; and those that are made of text",
    ]


def _text(known: Known, *, several: bool) -> str:
    chosen = f" (`script: {known.script}`)" if several else ""
    if known.subset is None:
        return "text: none in FineWeb-2; name a corpus"
    return (
        f"text: FineWeb-2 {known.subset}, {known.documents:,} documents, {known.bytes / 1e9:.3g} GB, "
        f"about {known.tokens:.3g} tokens of Llama 3{chosen}"
    )


def _benchmarks(code: str) -> list[str]:
    """Public benchmarks of the registry that have the language, with the number of items where it is known."""
    found = []
    for name, entry in REGISTRY.items():
        dataset = (entry.languages or {}).get(code)
        if dataset and dataset.id:
            found.append(f"{name} ({entry.counts[code]:,})" if code in entry.counts else name)
    return found
