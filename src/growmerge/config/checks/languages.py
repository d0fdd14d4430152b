"""Languages have text to train on and to be scored on, and epochs."""

from __future__ import annotations

from collections.abc import Iterator

from growmerge.catalogue.languages import same_language
from growmerge.config.problems import Problem, check_known, check_unique, did_you_mean, raise_all
from growmerge.config.schema import Study

# What is left of a budget that was shared out to the last character, and is fixed so, is a rounding error.
ROUNDING = 1e-9


def check_languages(study: Study) -> None:
    """Raise Problem at the first fault, with those of all other languages."""
    codes = study.language_codes
    check_unique("languages", codes)
    if same := same_language(codes):
        message = f"is another code of '{same[0]}', which is in the list, too; keep one of the two"
        raise Problem(f"languages.{codes.index(same[1])}.code", same[1], message)
    raise_all(_without_text(study))
    names = [c.name for c in study.corpora]
    trainable = [name for c in study.corpora for name in c.names]
    check_known("english.evaluation", study.english.evaluation, names, "corpus")
    for name in dict.fromkeys([study.english.evaluation, *(x.evaluation or x.corpus for x in study.languages)]):
        corpus = study.corpus(name)
        if corpus.heldout == 0:
            index = study.corpora.index(corpus)
            raise Problem(
                f"corpora.{index}.heldout", 0.0, f"'{corpus.name}' is used for evaluation, but holds nothing out"
            )
    check_known("replay.reference", study.replay.reference, codes, "language")
    for name in (name for name, share in study.replay.corpora.items() if share):
        check_known(f"replay.corpora.{name}", name, trainable, "corpus")


def _without_text(study: Study) -> Iterator[Problem]:
    """A problem for every corpus that a language names and that is not there."""
    names = [c.name for c in study.corpora]
    trainable = [name for c in study.corpora for name in c.names]
    for i, language in enumerate(study.languages):
        for key, name, known in (("corpus", language.corpus, trainable), ("evaluation", language.evaluation, names)):
            if name is not None and name not in known:
                yield Problem(f"languages.{i}.{key}", name, f"no such corpus; {did_you_mean(name, known)}")


def check_scored(study: Study) -> None:
    """Raise Problem at the first language that no benchmark has, with the others, unless the study accepts it."""
    raise_all(
        Problem(
            f"languages.{i}.code",
            language.code,
            "no benchmark of this study has this language, so its models would be trained and merged without a score "
            "in it; add one to `benchmarks` (bits_per_byte has every language), or state `unscored: true` here",
        )
        for i, language in enumerate(study.languages)
        if not language.unscored and not any(benchmark.has(language.code) for benchmark in study.benchmarks)
    )


def check_epochs(study: Study) -> None:
    """Raise Problem at a language that gets no epochs."""
    rule = study.unimax
    lacking = [i for i, language in enumerate(study.languages) if language.epochs is None]
    if rule is None:
        raise_all(
            Problem(
                f"languages.{i}.epochs",
                None,
                f"'{study.languages[i].code}' has no epochs, and the study has no `unimax` to compute them",
            )
            for i in lacking
        )
        return
    for code in rule.fixed:
        check_known(f"unimax.fixed.{code}", code, study.language_codes, "language")
    if not study.shared_out:
        return
    used = 0.0
    trainable = [name for corpus in study.corpora for name in corpus.names]
    if any(language.corpus not in trainable for language in study.languages):
        return  # `check_languages` tells it
    for i, language in enumerate(study.languages):
        count = study.expected(language.corpus)
        if count is None or count.characters is None:
            message = (
                f"UniMax needs its number of characters; state `expected.characters` of '{language.corpus}' (the "
                "manifests of its documents have it, once they are built), or the `epochs` of every language"
            )
            raise Problem(f"languages.{i}.corpus", language.corpus, message)
        used += rule.fixed.get(language.code, 0) * count.characters
    if used >= rule.characters * (1 - ROUNDING):
        others = ", ".join(language.code for language in study.shared_out)
        message = f"is used up by the `fixed` languages, which take {used:.6g}; increase it, or state the `epochs` of"
        raise Problem("unimax.characters", rule.characters, f"{message} {others}")
