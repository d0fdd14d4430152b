"""Bases come before what starts from them; setups, sharing and models of others fit in."""

from __future__ import annotations

from growmerge.config.problems import Problem, check_known, check_unique
from growmerge.config.references import is_reference, parse_reference
from growmerge.config.schema import Study
from growmerge.errors import GrowmergeError
from growmerge.ids import MULTI, RANDOM


def check_models(study: Study) -> None:
    """Raise Problem at the first fault."""
    trainable = [name for c in study.corpora for name in c.names]
    seen: list[str] = []
    names = [b.name for b in study.bases]
    check_unique("bases", names)
    for i, base in enumerate(study.bases):
        if base.from_ == RANDOM or is_reference(base.from_):
            if base.from_ != RANDOM:
                _check_reference(f"bases.{i}.from", base.from_)
            if base.clone or base.train:
                message = "is used as it is: it cannot be cloned or trained; add another base that starts from this one"
                raise Problem(f"bases.{i}.from", base.from_, message)
        else:
            check_known(f"bases.{i}.from", base.from_, seen, "base above it")
            if base.width is not None:
                raise Problem(
                    f"bases.{i}.width", base.width, "can only be stated for a checkpoint from elsewhere; remove it"
                )
            if bool(base.clone) == bool(base.train):
                raise Problem(f"bases.{i}", base.name, "needs either `clone` or `train`")
        if base.learning_rate is not None and not base.train:
            message = "is never used, as this base has no `train`; state it at a base that is trained, or at a setup"
            raise Problem(f"bases.{i}.learning_rate", base.learning_rate, message)
        for j, phase in enumerate(base.train):
            for corpus in phase:
                check_known(f"bases.{i}.train.{j}.{corpus}", corpus, trainable, "corpus")
        seen.append(base.name)
    setups = [s.name for s in study.setups]
    check_unique("setups", setups)
    for i, setup in enumerate(study.setups):
        check_known(f"setups.{i}.base", setup.base, names, "base")
        if setup.name in names:
            raise Problem(f"setups.{i}.name", setup.name, "is also the name of a base")
        for target, source in setup.from_.items():
            check_known(f"setups.{i}.from.{target}", target, [*study.language_codes, MULTI], "target")
            _check_reference(f"setups.{i}.from.{target}", source)
        if setup.branches is not None:
            _check_branches(f"setups.{i}.branches", setup.branches)
    if study.sharing:
        check_known("sharing.base", study.sharing.base, names, "base")
        check_unique("sharing.shares", [f"{share:g}" for share in study.sharing.shares])
        for name in study.sharing.setups:
            if name in [*names, *setups]:
                raise Problem("sharing.shares", study.sharing.shares, f"makes a setup '{name}', but that name is taken")
    check_unique("external", [x.name for x in study.external])
    for i, external in enumerate(study.external):
        _check_reference(f"external.{i}.from", external.from_)
    check_known("scoring.reference", study.scoring.reference, names, "base")


def _check_reference(key: str, source: str) -> None:
    try:
        parse_reference(source)
    except GrowmergeError as error:
        raise Problem(key, source, str(error)) from None


def _check_branches(key: str, branches: str) -> None:
    try:
        named = {branches.format(step=step) for step in (1, 2)}
    except (KeyError, IndexError, ValueError) as error:
        raise Problem(key, branches, f"{error}; write the step as in 'checkpoint_{{step:07d}}'") from None
    if len(named) == 1:
        raise Problem(key, branches, "is the same at every step; write the step as in 'checkpoint_{step:07d}'")
