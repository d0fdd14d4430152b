"""Benchmarks have rows in the languages of the study."""

from __future__ import annotations

from growmerge.catalogue.unimorph import DIMENSIONS, PARTS_OF_SPEECH, PARTS_OF_SPEECH_OF_BIN
from growmerge.config.benchmarks import ISLENSKA, Inflection
from growmerge.config.problems import Problem, check_known, check_unique
from growmerge.config.schema import Study


def check_benchmarks(study: Study) -> None:
    """Raise Problem at the first fault."""
    scored = [study.english.code, *study.language_codes]
    packages = [p.name for p in study.packages]
    for i, benchmark in enumerate(study.benchmarks):
        key = f"benchmarks.{i}"
        for j, language in enumerate(benchmark.languages or []):
            check_known(f"{key}.languages.{j}", language, scored, "language in this study")
        for language in benchmark.sources:
            check_known(f"{key}.sources.{language}", language, scored, "language in this study")
        if benchmark.inflection:
            _check_inflection(f"{key}.inflection", benchmark.inflection, scored)
        for language, package in benchmark.packages.items():
            check_known(f"{key}.packages.{language}", package, packages, "package")
        if not any(benchmark.has(language) for language in scored):
            message = "has no rows in any language of this study; name datasets in its `sources`, or remove it"
            raise Problem(f"{key}.name", benchmark.name, message)
    check_unique("benchmarks", [b.name for b in study.benchmarks])


def _check_inflection(key: str, inflection: Inflection, scored: list[str]) -> None:
    for part, languages in (("lexicons", inflection.lexicons), ("sentences", inflection.sentences)):
        for language in languages:
            check_known(f"{key}.{part}.{language}", language, scored, "language in this study")
    with_bin = ISLENSKA in inflection.lexicons.values()
    parts_of_speech = PARTS_OF_SPEECH | (PARTS_OF_SPEECH_OF_BIN if with_bin else set())
    changed = {} if inflection.dimensions == "all" else inflection.dimensions
    for pos, dimensions in changed.items():
        check_known(f"{key}.dimensions.{pos}", pos, parts_of_speech, "part of speech in UniMorph")
        for i, dimension in enumerate(dimensions):
            check_known(f"{key}.dimensions.{pos}.{i}", dimension, DIMENSIONS, "dimension in UniMorph")
    if inflection.min_words > inflection.max_words:
        message = f"no sentence can have that many words: max_words is {inflection.max_words}"
        raise Problem(f"{key}.min_words", inflection.min_words, message)
