"""Parallel sentences of the user's own, from a TSV or two aligned files, as a folder in the hub's layout."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from growmerge.benchmarks.lines import read_lines
from growmerge.catalogue.benchmarks import REGISTRY
from growmerge.errors import GrowmergeError

Pairs = list[tuple[str, str]]  # English, and the other language


def read_pairs(files: Sequence[Path]) -> Pairs:
    """The sentences of a TSV (English, then the other language; no header), or of two files of equally many lines.

    Raises GrowmergeError with file and line for a line that has no two sentences.
    """
    try:
        if len(files) == 1:
            return _from_table(files[0])
        if len(files) == 2:
            return _from_lines(*files)
    except OSError as error:
        raise GrowmergeError(f"{error.filename}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise GrowmergeError(f"{', '.join(map(str, files))}: is not UTF-8 ({error.reason}); convert it first") from None
    raise GrowmergeError(
        f"{len(files)} files of parallel sentences; give a .tsv, or the English file and the other one"
    )


def _from_table(file: Path) -> Pairs:
    pairs = []
    with file.open(encoding="utf-8-sig", newline="") as lines:
        for number, row in enumerate(csv.reader(lines, delimiter="\t", quoting=csv.QUOTE_NONE), start=1):
            if len(row) != 2 or not all(cell.strip() for cell in row):
                raise GrowmergeError(
                    f"{file}:{number}: does not have two sentences; write English, a tab and the other language"
                )
            pairs.append((row[0].strip(), row[1].strip()))
    return pairs


def _from_lines(english: Path, other: Path) -> Pairs:
    sides = [read_lines(file) for file in (english, other)]
    for side in sides:
        if side[-1] == "":
            side.pop()  # after the last line feed
    if len(sides[0]) != len(sides[1]):
        raise GrowmergeError(
            f"{other}: has {len(sides[1])} lines, {english} has {len(sides[0])}; line n of one is line n of the other"
        )
    for number, pair in enumerate(zip(*sides, strict=True), start=1):
        if not all(side.strip() for side in pair):
            raise GrowmergeError(f"{other}:{number}: one of the two sentences is empty; remove the line in both files")
    return [(one.strip(), two.strip()) for one, two in zip(*sides, strict=True)]


def write_folder(folder: Path, code: str, pairs: Pairs) -> None:
    """Write the sentences with equal ids, as FLORES+ has them: a configuration for each side, by a card."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    english = (REGISTRY["flores"].languages or {})["eng"]
    card = ["---", "configs:"]
    for side, name in enumerate((english.configs[0], code)):
        rows = [{"id": str(number), "text": pair[side]} for number, pair in enumerate(pairs)]
        (folder / str(name)).mkdir(parents=True)
        pq.write_table(pa.Table.from_pylist(rows), folder / str(name) / "devtest.parquet")
        card += [
            f"- config_name: {name}",
            "  data_files:",
            f"  - {{split: {english.splits[0]}, path: {name}/devtest.parquet}}",
        ]
    text = "\n".join([*card, "---", "Parallel sentences, by `growmerge new --parallel`.", ""])
    (folder / "README.md").write_text(text, encoding="utf-8")
