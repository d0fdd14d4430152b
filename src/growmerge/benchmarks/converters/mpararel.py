"""mParaRel (Fierro and Søgaard 2022) as minimal pairs, from the reviewed part of its public repository.

Every pattern with every tuple whose subject label stands in exactly one row of the relation: that gives the counts that
Glocker et al. (2025, table 2) print, but for 864 pairs in Estonian, of a relation that has one object only. How they
drew the wrong object is not public; here it is another object of the relation, by the hash of seed, relation and
subject, so that the patterns of a fact share it.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from growmerge.benchmarks.conversion import Conversion
from growmerge.benchmarks.items import Item
from growmerge.benchmarks.records import RecordCounts
from growmerge.errors import GrowmergeError
from growmerge.hashing import in_hash_order

_SUBJECT, _OBJECT = "[X]", "[Y]"


def items(conversion: Conversion) -> Iterator[Item]:
    """The pairs of a folder's patterns/{language}/{relation}.jsonl and tuples/...; a record is pattern x tuple.

    The folder is the dataset, and {language} its configuration, such as sv. The ids are `relation:pattern:subject`, the
    number of the pattern's row and the subject's lineid or row from 0; the subset is the relation. Raises
    GrowmergeError where the files are not there or are none of this kind.
    """
    folder, language = Path(conversion.dataset.id or ""), str(conversion.dataset.configs[0])
    files = sorted((folder / "patterns" / language).glob("*.jsonl"))
    if not files:
        raise GrowmergeError(
            f"{folder}: has no patterns/{language}/*.jsonl; give data/mpararel_reviewed of a clone of "
            "github.com/coastalcph/mpararel"
        )
    for file in files:
        patterns = [row["pattern"] for row in _rows(file, "pattern")]
        tuples = _rows(folder / "tuples" / language / file.name, "sub_label", "obj_label")
        yield from _relation(file.stem, patterns, tuples, conversion.seed, conversion.counts)


def _relation(
    relation: str, patterns: list[str], tuples: list[dict[str, Any]], seed: int, counts: RecordCounts
) -> Iterator[Item]:
    subjects = Counter(row["sub_label"] for row in tuples)
    objects = sorted({row["obj_label"] for row in tuples if row["obj_label"].strip()})
    usable = []
    for number, pattern in enumerate(patterns):
        if pattern.count(_SUBJECT) == pattern.count(_OBJECT) == 1:
            usable.append((number, pattern))
        else:
            counts.drop("pattern without one subject and one object", f"{relation}:{number}", len(tuples))
    counts.read += len(patterns) * len(tuples)
    for number, row in enumerate(tuples):
        subject, right = row["sub_label"], row["obj_label"]
        wrong = next(iter(_others(objects, right, f"{seed}:{relation}:{subject}")), None)
        reason = (
            "empty text" if not (subject.strip() and right.strip())
            else "subject in several rows" if subjects[subject] > 1
            else "no wrong object" if wrong is None
            else None
        )  # fmt: skip
        if reason:
            counts.drop(reason, f"{relation}:{subject}", len(usable))
            continue
        for place, pattern in usable:
            texts = tuple(pattern.replace(_SUBJECT, subject).replace(_OBJECT, word) for word in (right, str(wrong)))
            yield Item(f"{relation}:{place}:{row.get('lineid', number)}", relation, texts)


def _others(objects: list[str], right: str, salt: str) -> list[str]:
    return in_hash_order([word for word in objects if word != right], str, salt)[:1]


def _rows(path: Path, *fields: str) -> list[dict[str, Any]]:
    try:
        # With a byte order mark or without; splitlines would also break lines inside a string, as at U+2028.
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise GrowmergeError(f"{path}: cannot be read ({error})") from error
    rows = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            raise GrowmergeError(f"{path}: line {number}: not JSON ({error})") from error
        lacking = [name for name in fields if not isinstance(row, dict) or not isinstance(row.get(name), str)]
        if lacking:
            raise GrowmergeError(f"{path}: line {number}: no text in the field '{lacking[0]}'")
        rows.append(row)
    return rows
