"""What must hold between sections: every name that is used is defined, once, and the grid it spans makes sense."""

from __future__ import annotations

from growmerge.config.checks.benchmarks import check_benchmarks
from growmerge.config.checks.comparison import check_comparison
from growmerge.config.checks.continuing import check_continuing
from growmerge.config.checks.corpora import check_corpora
from growmerge.config.checks.languages import check_epochs, check_languages
from growmerge.config.checks.lists import check_lists
from growmerge.config.checks.merging import check_merging
from growmerge.config.checks.models import check_models
from growmerge.config.checks.names import check_names
from growmerge.config.checks.seeds import check_seeds
from growmerge.config.checks.training import check_training
from growmerge.config.checks.weights import check_weights
from growmerge.config.schema import Study


def check_study(study: Study) -> None:
    """Raise Problem at the first inconsistency, with its key path and value."""
    for check in (
        check_names,
        check_lists,
        check_corpora,
        check_languages,
        check_benchmarks,
        check_epochs,
        check_models,
        check_merging,
        check_continuing,
        check_seeds,
        check_weights,
        check_training,
        check_comparison,
    ):
        check(study)
