"""Snakemake's search for the rules that make a file, done once for each file.

Snakemake 9.27 searches anew for each job that reads the file: it matches the path with the regular expressions of all
rules whose outputs begin alike. Tables read the scores of all models, and all merges of a language its model, so a file
has five readers and more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from snakemake.output_index import OutputIndex
    from snakemake.rules import Rule


def search_producers_once() -> None:
    """Let the Snakemake of this process remember which rules make a file."""
    from snakemake.output_index import OutputIndex

    search = OutputIndex.match_producers
    if search.__module__ == __name__:
        return

    def match_producers(index: OutputIndex, targetfile: str) -> set[Rule]:
        # An index belongs to one list of rules, whose patterns stay as they are.
        known = index.__dict__.setdefault("known_producers", {})
        if targetfile not in known:
            known[targetfile] = search(index, targetfile)
        return known[targetfile]

    OutputIndex.match_producers = match_producers
