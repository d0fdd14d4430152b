"""The coefficients of a tensor that are fitted to text, by language: {language: number}, the same for all members.

A method that asks for them merges as the rule tune_coefficients expects: see `growmerge.merging.tuning`. Each
configured method has coefficients of its own.
"""

from __future__ import annotations

from pathlib import Path

from growmerge.catalogue.merge_registry import MemberStatistic


def read(folder: Path, tensor: str) -> dict[str, float]:
    """The coefficients of that tensor. Raises GrowmergeError if it has none."""
    from growmerge.merging.coefficients import read_coefficients  # not while rules are parsed

    return read_coefficients(folder, tensor)


STATISTIC = MemberStatistic("coefficients/{merge}/{method}", of_text=False, read=read)
