"""Merges that are trained on, and rounds, are of methods and setups that there are."""

from __future__ import annotations

from growmerge.catalogue.merge_registry import merge_methods
from growmerge.config.continuing import Healing, Rounds
from growmerge.config.problems import Problem, check_known, check_unique
from growmerge.config.schema import Study


def check_continuing(study: Study) -> None:
    """Raise Problem at the first fault."""
    healing, rounds = study.merging.healing, study.merging.rounds
    for key, section in (("merging.healing", healing), ("merging.rounds", rounds)):
        if section:
            _check_section(key, section, study)
    if healing:
        check_unique("merging.healing.shares", [f"{100 * share:g}" for share in healing.shares])
    if rounds:
        _check_rounds(rounds, study)


def _check_section(key: str, section: Healing | Rounds, study: Study) -> None:
    languages, methods = len(study.languages), {m.name: m for m in study.merging.methods}
    if languages < 2:
        raise Problem(key, section.model_dump(), "there is only one language: nothing to merge; remove it")
    registry = merge_methods(study.merging.modules)
    for i, name in enumerate(section.methods):
        check_known(f"{key}.methods.{i}", name, methods, "merge method")
        fewest, most = registry[methods[name].registered].kind.members
        if languages < fewest or (most is not None and languages > most):
            message = f"does not merge {languages} models, and all languages are merged; remove it here"
            raise Problem(f"{key}.methods.{i}", name, message)
    for i, name in enumerate(section.setups or []):
        check_known(f"{key}.setups.{i}", name, [setup.name for setup in study.setups], "setup")


def _check_rounds(rounds: Rounds, study: Study) -> None:
    key, setups = "merging.rounds", {setup.name: setup for setup in study.setups}
    for name in setups if rounds.setups is None else rounds.setups:
        if taken := [code for code in study.language_codes if code in setups[name].from_]:
            message = (
                f"takes {', '.join(taken)} from elsewhere, but experts of rounds are trained here; list the other "
                f"setups in {key}.setups"
            )
            raise Problem(f"{key}.setups", name, message)
    shared = study.sharing.setups if study.sharing else {}
    taken_names = [*setups, *shared, *(base.name for base in study.bases)]
    for made in rounds.expanded(setups):
        if made.setup in taken_names:
            message = f"makes a setup '{made.setup}', but that name is taken; rename the other"
            raise Problem(f"{key}.counts", rounds.counts, message)
        taken_names.append(made.setup)
