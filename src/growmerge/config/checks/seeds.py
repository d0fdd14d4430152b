"""Seeds are different ones, `seed` first, and every replicate differs in something that is made here."""

from __future__ import annotations

from growmerge.config.problems import Problem
from growmerge.config.schema import Study
from growmerge.ids import MULTI


def check_seeds(study: Study) -> None:
    """Raise Problem at the first fault. Lists that hold something twice are the matter of `check_lists`."""
    if study.seeds is None:
        return
    if study.seeds[0] != study.seed:
        message = f"is not `seed` = {study.seed}, whose models have plain names; put {study.seed} first, or edit `seed`"
        raise Problem("seeds.0", study.seeds[0], message)
    if len(study.seeds) == 1:
        return
    targets = {*study.language_codes, *([MULTI] if len(study.languages) > 1 else [])}
    for i, setup in enumerate(study.setups):
        taken = [target for target in setup.from_ if target in targets]
        if 0 < len(taken) < len(targets):
            message = (
                f"takes {', '.join(taken)} from elsewhere, of which there is one seed, and trains the others here; "
                "remove `seeds`, or take all its models from elsewhere, or none"
            )
            raise Problem(f"setups.{i}.from", setup.name, message)
    if not study.replicated_setups:
        message = (
            "with these, no setup differs between `seeds`; add `order`, or train bases here with `bases: own` and "
            "`initialisation`"
        )
        raise Problem("replicates", study.replicates.model_dump(), message)
