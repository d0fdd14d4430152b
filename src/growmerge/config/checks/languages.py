"""Languages have text to train on and to be scored on, and epochs."""

from __future__ import annotations

from growmerge.config.problems import Problem, check_known, check_unique
from growmerge.config.schema import Study

# What is left of a budget that was shared out to the last character, and is fixed so, is a rounding error.
ROUNDING = 1e-9


def check_languages(study: Study) -> None:
    """Raise Problem at the first fault."""
    names = [c.name for c in study.corpora]
    trainable = [name for c in study.corpora for name in c.names]
    codes = study.language_codes
    check_unique("languages", codes)
    for i, language in enumerate(study.languages):
        check_known(f"languages.{i}.corpus", language.corpus, trainable, "corpus")
        if language.evaluation is not None:
            check_known(f"languages.{i}.evaluation", language.evaluation, names, "corpus")
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


def check_epochs(study: Study) -> None:
    """Raise Problem at a language that gets no epochs."""
    rule = study.unimax
    lacking = [i for i, language in enumerate(study.languages) if language.epochs is None]
    if rule is None:
        for i in lacking:
            code = study.languages[i].code
            raise Problem(
                f"languages.{i}.epochs", None, f"'{code}' has no epochs, and the study has no `unimax` to compute them"
            )
        return
    for code in rule.fixed:
        check_known(f"unimax.fixed.{code}", code, study.language_codes, "language")
    if not study.shared_out:
        return
    used = 0.0
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
