"""A list that names or counts things has none of them twice, and one that may be left out is not empty."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from growmerge.config.problems import Problem
from growmerge.config.schema import Study


def check_lists(study: Study) -> None:
    """Raise Problem at the first list that is empty, though it can be left out, or holds something twice."""
    for key, values, default in _lists(study):
        if values is None:
            continue
        if not values and default:
            raise Problem(key, values, f"is empty; leave it out for {default}")
        for i, value in enumerate(values):
            if value in values[:i]:
                raise Problem(f"{key}.{i}", value, "occurs twice; keep one of the two")


def _lists(study: Study) -> Iterator[tuple[str, Sequence[Any] | None, str]]:
    """(key path, list, what its default stands for; "" if it may be empty) of every list without a check of its own."""
    yield "seeds", study.seeds, "one run, with `seed`"
    yield "replicates.vary", study.replicates.vary, "both"
    for i, corpus in enumerate(study.corpora):
        for j, source in enumerate(corpus.sources):
            for name in ("packages", "paths"):
                yield f"corpora.{i}.sources.{j}.{name}", getattr(source, name, None), ""
        yield f"corpora.{i}.sources", corpus.sources, ""
    yield "tokenizer.corpora", study.tokenizer.corpora, ""
    if study.sharing:
        yield "sharing.sizes", study.sharing.sizes, "pairs"
    merging = study.merging
    yield "merging.sizes", merging.sizes, "2 up to all languages"
    yield "merging.series.orders", merging.series.orders, ""
    for i, rule in enumerate(merging.published_bases):
        yield f"merging.published_bases.{i}.sizes", rule.sizes, "all sizes"
        yield f"merging.published_bases.{i}.methods", rule.methods, "all methods"
    for name in ("healing", "rounds"):
        if section := getattr(merging, name):
            yield f"merging.{name}.methods", section.methods, ""
            yield f"merging.{name}.setups", section.setups, "all setups"
    if merging.rounds:
        yield "merging.rounds.counts", merging.rounds.counts, ""
    if merging.over_training:
        yield "merging.over_training.setups", merging.over_training.setups, ""
    if merging.ensemble:
        yield "merging.ensemble.setups", merging.ensemble.setups, "all setups"
        yield "merging.ensemble.sizes", merging.ensemble.sizes, "all languages together"
    for i, benchmark in enumerate(study.benchmarks):
        yield f"benchmarks.{i}.languages", benchmark.languages, "all languages that have rows"
        for code, said in benchmark.sources.items():
            yield f"benchmarks.{i}.sources.{code}.configs", said.configs, ""
            yield f"benchmarks.{i}.sources.{code}.splits", said.splits, ""
        chosen = benchmark.inflection.dimensions if benchmark.inflection else {}
        for pos, dimensions in () if chosen == "all" else chosen.items():
            yield f"benchmarks.{i}.inflection.dimensions.{pos}", dimensions, "none of them"
