"""What must hold between sections: every name that is used is defined, once, and the grid it spans makes sense."""

from __future__ import annotations

from growmerge.config.checks.benchmarks import check_benchmarks
from growmerge.config.checks.comparison import check_comparison
from growmerge.config.checks.continuing import check_continuing
from growmerge.config.checks.corpora import check_corpora
from growmerge.config.checks.languages import check_epochs, check_languages, check_scored
from growmerge.config.checks.lists import check_lists
from growmerge.config.checks.merging import check_merging
from growmerge.config.checks.models import check_models
from growmerge.config.checks.names import check_names
from growmerge.config.checks.training import check_training
from growmerge.config.checks.weights import check_weights
from growmerge.config.problems import Problem
from growmerge.config.schema import Study

# Those in a group are independent, and all of them are told: a new language has several faults as a rule.
CHECKS = (
    (check_names,),
    (check_lists,),
    (check_corpora,),
    (check_languages, check_epochs),
    (check_benchmarks,),
    (check_models,),
    (check_merging,),
    (check_continuing,),
    (check_weights,),
    (check_training,),
    (check_comparison,),
    (check_scored,),
)


def problems_of(study: Study) -> list[Problem]:
    """What is wrong, with key path and value, by the first group of checks that finds anything."""
    for group in CHECKS:
        found: list[Problem] = []
        for check in group:
            try:
                check(study)
            except Problem as problem:
                found += [problem, *problem.others]
        if found:
            return found
    return []
