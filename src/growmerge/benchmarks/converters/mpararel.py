"""mParaRel (Fierro and Søgaard 2022) as minimal pairs, from the reviewed part of its public repository.

Every pattern with every tuple whose subject label stands in exactly one row of the relation: that gives the counts that
Glocker et al. (2025, table 2) print. How they drew the wrong object is not public; here it is another object of the
relation, by the hash of seed, relation and subject, so that the patterns of a fact share it. A relation that has one
object only (P264, record label, in Estonian: 864 pairs) takes it from the relations whose objects are of the same kind.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from growmerge.benchmarks.conversion import Conversion
from growmerge.benchmarks.items import Item
from growmerge.benchmarks.lines import read_lines
from growmerge.benchmarks.records import RecordCounts
from growmerge.errors import GrowmergeError
from growmerge.hashing import in_hash_order

_SUBJECT, _OBJECT = "[X]", "[Y]"
# Relations of Wikidata whose objects are of the same kind.
_KINDS = (
    frozenset({"P37", "P103", "P364", "P407", "P1412"}),  # languages
    frozenset({"P17", "P27", "P495", "P1001", "P1376"}),  # countries
    frozenset({"P19", "P20", "P36", "P159", "P190", "P740", "P937"}),  # cities
    frozenset({"P108", "P176", "P178", "P264", "P449"}),  # companies: employer, maker, developer, label, network
)


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
    tuples = {file.stem: _rows(folder / "tuples" / language / file.name, "sub_label", "obj_label") for file in files}
    objects = {
        relation: {row["obj_label"] for row in found if row["obj_label"].strip()} for relation, found in tuples.items()
    }
    for file in files:
        relation = file.stem
        patterns = [row["pattern"] for row in _rows(file, "pattern")]
        wrong = objects[relation] if len(objects[relation]) > 1 else _of_the_same_kind(relation, objects)
        yield from _relation(relation, patterns, tuples[relation], sorted(wrong), conversion.seed, conversion.counts)


def _of_the_same_kind(relation: str, objects: Mapping[str, set[str]]) -> set[str]:
    """The objects of the relation and of those with objects of the same kind."""
    kind = next((kind for kind in _KINDS if relation in kind), {relation})
    return {label for other in kind & objects.keys() for label in objects[other]}


def _relation(
    relation: str,
    patterns: list[str],
    tuples: list[dict[str, Any]],
    objects: list[str],
    seed: int,
    counts: RecordCounts,
) -> Iterator[Item]:
    """The pairs of a relation; `objects` are what wrong ones are drawn from."""
    subjects = Counter(row["sub_label"] for row in tuples)
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
    rows = []
    for number, line in enumerate(read_lines(path), start=1):
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
