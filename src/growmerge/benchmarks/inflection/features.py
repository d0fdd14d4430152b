"""Features of word forms by dimension, in the tags of UniMorph (`growmerge.catalogue.unimorph`)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import product

from growmerge.catalogue.unimorph import DIMENSION, FAMILIES, PARTS_OF_SPEECH


@dataclass(frozen=True)
class Analysis:
    """A reading of a form: its lemma, part of speech, and a tag in each of some dimensions."""

    lemma: str
    pos: str
    features: Mapping[str, str]

    def __hash__(self) -> int:
        return hash((self.lemma, self.pos, frozenset(self.features.items())))


def dimension(tag: str) -> str:
    """The dimension of a tag; "A/B" and "A+B" have that of A, and a tag of no dimension is one of its own."""
    first = re.split(r"[/+]", tag.strip("{}"))[0]
    family = next((name for start, name in FAMILIES.items() if first.startswith(start)), first)
    return DIMENSION.get(first, family)


def parse(lemma: str, tags: str) -> Analysis:
    """The analysis that tags such as "N;NOM;SG" stand for; of two tags in a dimension both count, joined by "+".

    A tag such as V.PTCP.PST is a part of speech with a feature. Without a part of speech, `pos` is empty.
    """
    pos, features = "", dict[str, str]()
    for tag in filter(None, (tag.strip() for tag in tags.split(";"))):
        pos, rest = (pos, tag) if pos else _part_of_speech(tag)
        for part in filter(None, rest.split(".")):
            name = dimension(part)
            features[name] = "+".join(sorted({*features.get(name, part).split("+"), *part.split("+")}))
    return Analysis(lemma, pos, features)


def alternatives(analysis: Analysis) -> list[Analysis]:
    """The analyses that one with tags such as NOM/ACC (either) stands for."""
    names = list(analysis.features)
    choices = product(*(analysis.features[name].strip("{}").split("/") for name in names))
    return [replace(analysis, features=dict(zip(names, choice, strict=True))) for choice in choices]


def _part_of_speech(tag: str) -> tuple[str, str]:
    """The longest beginning of a dotted tag that is a part of speech, or nothing, and what is left of the tag."""
    parts = tag.split(".")
    for end in range(len(parts), 0, -1):
        if ".".join(parts[:end]) in PARTS_OF_SPEECH:
            return ".".join(parts[:end]), ".".join(parts[end:])
    return "", tag
