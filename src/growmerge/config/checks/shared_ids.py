"""Texts of two languages that are compared with each other have documents of the same ids."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path

from growmerge.config.corpora import MOST_CHARACTERS, Corpus, FileSource
from growmerge.config.problems import Problem
from growmerge.config.schema import Study

# A side with more bytes is left to the job that makes the benchmark: to read so many takes about a second. Sides that
# have ids in common have them near their beginnings as a rule, and are not read to the end.
MOST_BYTES = 100_000_000


def check_shared_ids(study: Study) -> None:
    """Raise Problem if parallel items are to be made of a language's own text, but no document has an English id.

    Only what lies in local .jsonl and .txt files is known before any job. The rest (Parquet files, datasets of the hub,
    packages) is known as soon as its documents are read: the benchmarks' jobs come before any training in the queue.
    """
    for i, benchmark in enumerate(study.benchmarks):
        if benchmark.entry.languages is not None or benchmark.entry.metric.name not in ("parity", "chrf"):
            continue
        english = study.corpus(study.english.evaluation)
        for language in study.languages:
            if language.code == study.english.code or not benchmark.has(language.code):
                continue
            own = study.corpus(language.evaluation or language.corpus)
            if not _may_share(own, english):
                message = (
                    f"has no item in '{language.code}': no document of the corpus '{own.name}' has the id of one of "
                    f"'{english.name}'. Give both an `id_field` with equal ids for equal sentences, or leave "
                    f"'{language.code}' out of its `languages`"
                )
                raise Problem(f"benchmarks.{i}.name", benchmark.name, message)


def _may_share(one: Corpus, other: Corpus) -> bool:
    """Whether an id is in both, or it cannot be known yet."""
    if one.name == other.name or not (_is_readable(one) and _is_readable(other)):
        return True
    mine: set[str] = set()
    theirs: set[str] = set()
    try:
        for left, right in zip_longest(_ids(one), _ids(other)):
            mine.update([] if left is None else [left])
            theirs.update([] if right is None else [right])
            if left in theirs or right in mine:
                return True
    except (OSError, EOFError, ValueError, KeyError, TypeError):
        return True  # what cannot be read is told by the job that reads it
    return False


def _files(corpus: Corpus) -> list[tuple[Path, FileSource]]:
    """Its files, each with the source that names it."""
    return [(path, source) for source in corpus.sources if isinstance(source, FileSource) for path in source.files()]


def _is_readable(corpus: Corpus) -> bool:
    files = _files(corpus)
    kinds = all(path.name.endswith((".jsonl", ".jsonl.gz", ".txt")) for path, _ in files)
    return (
        kinds
        and all(isinstance(source, FileSource) for source in corpus.sources)
        and sum(path.stat().st_size * (4 if path.suffix == ".gz" else 1) for path, _ in files) <= MOST_BYTES
    )


def _ids(corpus: Corpus) -> Iterator[str]:
    """The ids of its documents, as `growmerge.data.files` gives them; of .txt files, of as many as there are lines."""
    for path, source in _files(corpus):
        prefix, field = source.id_prefix or "", source.id_field
        by_place = field is None or path.suffix == ".txt"
        open_ = gzip.open if path.suffix == ".gz" else open
        left = MOST_BYTES
        with open_(path, "rt", encoding="utf-8-sig") as file:
            # What is longer is no JSON, as it is cut off.
            for number, line in enumerate(iter(lambda: file.readline(MOST_CHARACTERS), ""), start=1):
                left -= len(line)
                if left < 0:
                    raise ValueError(f"{path}: larger than it seemed from its compressed size")
                if by_place:
                    yield f"{prefix}{path.name}:{number}"
                elif line.strip():
                    yield f"{prefix}{json.loads(line)[field]}"
