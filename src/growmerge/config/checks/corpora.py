"""Packages, corpora, parts and tokenizer fit together."""

from __future__ import annotations

from growmerge.config.corpora import ArchiveSource, Corpus
from growmerge.config.problems import Problem, check_known, check_unique
from growmerge.config.schema import Study


def check_corpora(study: Study) -> None:
    """Raise Problem at the first fault."""
    packages = [p.name for p in study.packages]
    check_unique("packages", packages)
    names = [c.name for c in study.corpora]
    check_unique("corpora", names + [p.name for c in study.corpora for p in c.parts])
    for i, corpus in enumerate(study.corpora):
        for j, source in enumerate(corpus.sources):
            for k, package in enumerate(getattr(source, "packages", [])):
                check_known(f"corpora.{i}.sources.{j}.packages.{k}", package, packages, "package")
            if isinstance(source, ArchiveSource) and source.ids.id_field is None:
                message = "is missing; name the field that holds the ids of the archive's files, such as blob_id"
                raise Problem(f"corpora.{i}.sources.{j}.ids.id_field", None, message)
        _check_parts(f"corpora.{i}.parts", corpus)
    tokenizer = study.tokenizer
    if tokenizer.package is not None:
        check_known("tokenizer.package", tokenizer.package, packages, "package")
    if tokenizer.pretrained is None and tokenizer.package is None and not tokenizer.corpora:
        message = "is empty; name corpora to train on, or set `pretrained` or `package`"
        raise Problem("tokenizer.corpora", [], message)
    for i, name in enumerate(study.tokenizer.corpora):
        check_known(f"tokenizer.corpora.{i}", name, names, "corpus")
    _check_trained_on(study)


def _check_trained_on(study: Study) -> None:
    """A corpus that is held out as a whole has nothing for what is trained on it."""
    heldout = {name: corpus.name for corpus in study.corpora if corpus.heldout == 1 for name in corpus.names}
    named = {f"languages.{i}.corpus": language.corpus for i, language in enumerate(study.languages)}
    named |= {f"merging.statistics_from.{code}": name for code, name in study.merging.statistics_from.items()}
    named |= {f"replay.corpora.{name}": name for name, share in study.replay.corpora.items() if share}
    for i, base in enumerate(study.bases):
        named |= {f"bases.{i}.train.{j}.{name}": name for j, phase in enumerate(base.train) for name in phase}
    if study.tokenizer.pretrained is None and study.tokenizer.package is None:
        named |= {f"tokenizer.corpora.{i}": name for i, name in enumerate(study.tokenizer.corpora)}
    for key, name in named.items():
        if name in heldout:
            message = f"has nothing to train on: all of '{heldout[name]}' is held out (`heldout: 1.0`)"
            raise Problem(key, name, message)


def _check_parts(key: str, corpus: Corpus) -> None:
    total = sum(part.share for part in corpus.parts)
    if corpus.parts and abs(total - 1) > 1e-9:
        raise Problem(key, total, "the shares of the parts do not add up to 1")
    listed = [part for part in corpus.parts if part.ids]
    for i, part in enumerate(corpus.parts):
        if part.ids and part.ids.id_field is None:
            raise Problem(
                f"{key}.{i}.ids.id_field", None, "is missing; name the field that holds the ids of the documents"
            )
        if part.ids and len(corpus.parts) == 1:
            message = "is the only part and has `ids`; add a part without `ids`, which takes all other documents"
            raise Problem(f"{key}.{i}", part.name, message)
    rest = [part.name for part in corpus.parts if not part.ids]
    if listed and len(rest) > 1:
        message = f"only one part can be without `ids`, to take all other documents; {' and '.join(rest)} are"
        raise Problem(key, len(rest), message)
