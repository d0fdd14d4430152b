"""Checks across sections: every name that is used is defined, once, and the grid it spans makes sense."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from pydantic_core import PydanticCustomError

if TYPE_CHECKING:
    from growmerge.config.schema import Study

RANDOM = "random"
MULTI = "multi"
REFERENCE = "reference"
DOWNLOADS = "downloads"


def problem(key: str, value: Any, message: str) -> PydanticCustomError:
    """An error that carries the key path of the culprit, for `growmerge.config.load` to print."""
    return PydanticCustomError("study", "{message}", {"key": key, "value": value, "message": message})


def did_you_mean(value: Any, known: Iterable[str]) -> str:
    """The nearest spelling, else what there is to choose from."""
    known = sorted(known)
    near = difflib.get_close_matches(str(value), known, n=1)
    return f"did you mean '{near[0]}'?" if near else f"known: {', '.join(known)}"


def _unique(key: str, values: list[str]) -> None:
    for i, value in enumerate(values):
        if value in values[:i]:
            raise problem(f"{key}.{i}", value, "is there twice; names are unique")


def _known(key: str, value: str, known: Iterable[str], what: str) -> None:
    known = list(known)
    if value not in known:
        raise problem(key, value, f"no such {what}; {did_you_mean(value, known)}")


def check_study(study: Study) -> None:
    """Raise at the first inconsistency, with its key path and value."""
    _check_corpora(study)
    _check_languages(study)
    _check_bases(study)
    _check_merging(study)
    longest = study.architecture.max_position_embeddings
    if study.training.sequence_length > longest:
        length = study.training.sequence_length
        raise problem("training.sequence_length", length, f"architecture.max_position_embeddings is {longest}")
    if study.study == DOWNLOADS:
        raise problem("study", study.study, "is taken: results/downloads")


def _check_corpora(study: Study) -> None:
    packages = [p.name for p in study.packages]
    _unique("packages", packages)
    names = [c.name for c in study.corpora]
    _unique("corpora", names + [p.name for c in study.corpora for p in c.parts])
    for i, corpus in enumerate(study.corpora):
        for j, source in enumerate(corpus.sources):
            for k, package in enumerate(getattr(source, "packages", [])):
                _known(f"corpora.{i}.sources.{j}.packages.{k}", package, packages, "package")
        total = sum(part.share for part in corpus.parts)
        if corpus.parts and abs(total - 1) > 1e-9:
            raise problem(f"corpora.{i}.parts", total, "the shares of the parts do not add up to 1")
    if study.tokenizer.pretrained is None and not study.tokenizer.corpora:
        raise problem("tokenizer.corpora", [], "is empty, and there is no `pretrained` tokenizer to take instead")
    for i, name in enumerate(study.tokenizer.corpora):
        _known(f"tokenizer.corpora.{i}", name, names, "corpus")
    for i, benchmark in enumerate(study.benchmarks):
        for j, language in enumerate(benchmark.languages or []):
            scored = [study.english.code, *study.language_codes]
            _known(f"benchmarks.{i}.languages.{j}", language, scored, "language in this study")
        for language, package in benchmark.packages.items():
            _known(f"benchmarks.{i}.packages.{language}", package, packages, "package")
    _unique("benchmarks", [b.name for b in study.benchmarks])


def _check_languages(study: Study) -> None:
    names = [c.name for c in study.corpora]
    trainable = [name for c in study.corpora for name in c.names]
    codes = study.language_codes
    _unique("languages", codes)
    for i, language in enumerate(study.languages):
        _known(f"languages.{i}.corpus", language.corpus, trainable, "corpus")
        if language.evaluation is not None:
            _known(f"languages.{i}.evaluation", language.evaluation, names, "corpus")
        if language.code == study.english.code:
            raise problem(f"languages.{i}.code", language.code, "is the language of the bases, not a target")
    _known("english.evaluation", study.english.evaluation, names, "corpus")
    for name in dict.fromkeys([study.english.evaluation, *(x.evaluation or x.corpus for x in study.languages)]):
        corpus = study.corpus(name)
        if corpus.heldout == 0:
            index = study.corpora.index(corpus)
            raise problem(f"corpora.{index}.heldout", 0.0, f"'{corpus.name}' is evaluated on, but holds nothing out")
    _known("replay.reference", study.replay.reference, codes, "language")
    for name in (name for name, share in study.replay.corpora.items() if share):
        _known(f"replay.corpora.{name}", name, trainable, "corpus")


def _check_bases(study: Study) -> None:
    trainable = [name for c in study.corpora for name in c.names]
    seen: list[str] = []
    names = [b.name for b in study.bases]
    _unique("bases", names)
    if REFERENCE in names:
        raise problem(f"bases.{names.index(REFERENCE)}.name", REFERENCE, "is taken: results/{study}/scores/reference")
    for i, base in enumerate(study.bases):
        if base.from_ == RANDOM:
            if base.clone or base.train:
                raise problem(f"bases.{i}.from", RANDOM, "a random initialisation is neither cloned nor trained")
        else:
            _known(f"bases.{i}.from", base.from_, seen, "base above it")
            if bool(base.clone) == bool(base.train):
                raise problem(f"bases.{i}", base.name, "needs either `clone` or `train`")
        for j, phase in enumerate(base.train):
            for corpus in phase:
                _known(f"bases.{i}.train.{j}.{corpus}", corpus, trainable, "corpus")
        seen.append(base.name)
    setups = [s.name for s in study.setups]
    _unique("setups", setups)
    for i, setup in enumerate(study.setups):
        _known(f"setups.{i}.base", setup.base, names, "base")
        if setup.name in names:
            raise problem(f"setups.{i}.name", setup.name, "is also the name of a base")
    _known("scoring.reference", study.scoring.reference, names, "base")


def _check_merging(study: Study) -> None:
    methods = [m.name for m in study.merging.methods]
    _unique("merging.methods", methods)
    if study.merging.base != "ancestor":
        _known("merging.base", study.merging.base, [b.name for b in study.bases], "base")
    for i, size in enumerate(study.merging.sizes or []):
        if size > len(study.languages):
            raise problem(f"merging.sizes.{i}", size, f"there are only {len(study.languages)} languages to combine")
    if methods and len(study.languages) > 1:
        _known("analysis.pairwise_method", study.analysis.pairwise_method, methods, "merge method")
