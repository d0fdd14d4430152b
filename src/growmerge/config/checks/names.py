"""No name is a word that has a meaning of its own; `growmerge.ids` says which words have one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from growmerge import ids
from growmerge.config.problems import Problem
from growmerge.config.schema import Study


def check_names(study: Study) -> None:
    """Raise Problem at the first name, language code included, that is reserved."""
    for kind, key, name in _named(study):
        if reason := ids.reserved(kind, name):
            raise Problem(key, name, f"is taken: {reason}")


def _named(study: Study) -> Iterator[tuple[str, str, str]]:
    """(kind, key path, name) of everything that has a name."""
    yield "study", "study", study.study
    yield "language", "english.code", study.english.code
    sections: dict[str, tuple[str, Sequence[Any]]] = {
        "package": ("packages", study.packages),
        "corpus": ("corpora", study.corpora),
        "base": ("bases", study.bases),
        "setup": ("setups", study.setups),
        "external": ("external", study.external),
        "benchmark": ("benchmarks", study.benchmarks),
        "method": ("merging.methods", study.merging.methods),
    }
    for i, language in enumerate(study.languages):
        yield "language", f"languages.{i}.code", language.code
    for kind, (section, members) in sections.items():
        for i, member in enumerate(members):
            yield kind, f"{section}.{i}.name", member.name
    for i, corpus in enumerate(study.corpora):
        for j, part in enumerate(corpus.parts):
            yield "corpus", f"corpora.{i}.parts.{j}.name", part.name
